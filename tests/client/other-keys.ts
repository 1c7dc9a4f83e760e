import { generateKeyPairSync, publicEncrypt, constants, randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { HouseFactory } from './house.ts'

/** What clients do with keys that do not encrypt, and with data keys. */
export function describeOtherKeys(newHouse: HouseFactory): void {
  describe('Other keys', () => {
    test('signatures of messages, digests and many', async () => {
      const { admin } = await newHouse()
      const key = await admin.keys.create({ name: 'signer', spec: 'ECC_NIST_P256', usage: 'SIGN_VERIFY' })
      const { signature, algorithm } = await key.sign('message')
      expect(algorithm).toBe('ECDSA_SHA_256')
      expect(await key.verify('message', signature)).toMatchObject({ valid: true, keyVersion: 1 })
      expect(await admin.verify({ key: 'signer', message: Buffer.from('other'), signature })).toMatchObject({
        valid: false,
      })
      expect(
        await admin.verify({ key: 'signer', message: 'message', signature: signature.toString('base64url') }),
      ).toMatchObject({ valid: true })
      const signed = await admin.signMany({ items: [{ key: 'signer', message: 'a', format: 'P1363', reference: 'r' }] })
      expect(signed.items).toMatchObject([{ ok: true, reference: 'r' }])
      const made = signed.items[0]?.ok === true ? signed.items[0].signature : Buffer.alloc(0)
      const items = [{ key: 'signer', message: 'a', signature: made, format: 'P1363' } as const]
      expect((await admin.verifyMany({ items })).items).toMatchObject([{ ok: true, valid: true }])
      const half = await key.getPublicKey()
      expect(half).toMatchObject({ spec: 'ECC_NIST_P256', usage: 'SIGN_VERIFY', jwk: { kty: 'EC' } })
      expect(half.pem).toContain('BEGIN PUBLIC KEY')
    })

    test('MACs', async () => {
      const { admin } = await newHouse()
      const key = await admin.keys.create({ name: 'mac', spec: 'HMAC_256' })
      const { mac } = await key.generateMac('message')
      expect(mac).toHaveLength(32)
      expect(await admin.verifyMac({ key: 'mac', message: 'message', mac })).toMatchObject({ valid: true })
      expect(await admin.verifyMac({ key: 'mac', message: 'massage', mac })).toMatchObject({ valid: false })
    })

    test('shared secrets, by agreement with a key in DER, PEM and as a JWK', async () => {
      const { admin } = await newHouse()
      await admin.keys.create({ name: 'mine', spec: 'X25519' })
      const peer = generateKeyPairSync('x25519').publicKey
      const der = peer.export({ type: 'spki', format: 'der' })
      const pem = peer.export({ type: 'spki', format: 'pem' }) as string
      const ways = [der, pem, peer.export({ format: 'jwk' })]
      const secrets = await Promise.all(ways.map((publicKey) => admin.deriveSharedSecret({ key: 'mine', publicKey })))
      expect(secrets[0]?.sharedSecret).toHaveLength(32)
      expect(
        secrets.every(({ sharedSecret }) => sharedSecret.equals(secrets[0]?.sharedSecret ?? Buffer.alloc(0))),
      ).toBe(true)
    })

    test('secrets by encapsulation', async () => {
      const { admin } = await newHouse()
      await admin.keys.create({ name: 'kem', spec: 'ML_KEM_768' })
      const { ciphertext, sharedSecret } = await admin.encapsulate({ key: 'kem' })
      expect((await admin.decapsulate({ key: 'kem', ciphertext })).sharedSecret).toEqual(sharedSecret)
    })

    test('data keys, pairs, and one for a piece of work', async () => {
      const { admin } = await newHouse()
      await admin.keys.create({ name: 'root', spec: 'AES_256' })
      const context = { file: '1' }
      const made = await admin.generateDataKey({ key: 'root', spec: 'AES_128', context })
      expect(made.plaintext).toHaveLength(16)
      expect((await admin.decryptDataKey({ ciphertext: made.ciphertext, context })).plaintext).toEqual(made.plaintext)
      const sealed = await admin.generateDataKeyWithoutPlaintext({ key: 'root' })
      expect(sealed).not.toHaveProperty('plaintext')
      const pair = await admin.generateDataKeyPair({ key: 'root', spec: 'ECC_NIST_P256' })
      expect(pair.spec).toBe('ECC_NIST_P256')
      expect((await admin.decryptDataKey({ ciphertext: pair.ciphertext })).plaintext).toEqual(pair.plaintext)
      expect(await admin.generateDataKeyPairWithoutPlaintext({ key: 'root', spec: 'X25519' })).not.toHaveProperty(
        'plaintext',
      )
      const lengths = await admin.withDataKey({ key: 'root' }, ({ plaintext, ciphertext }) => [
        plaintext.length,
        ciphertext.length,
      ])
      expect(lengths[0]).toBe(32)
    })

    test('data keys under a name', async () => {
      const { admin } = await newHouse()
      const { id: keyId } = await admin.keys.create({ name: 'root', spec: 'AES_256' })
      const made = await admin.dataKeys.generate({ key: 'root', reference: 'billing/db', spec: 'AES_256' })
      expect(made).toMatchObject({ keyId, currentVersion: 1, numberOfBytes: 32 })
      expect(made.createdAt).toBeInstanceOf(Date)
      const first = await admin.dataKeys.get({ reference: 'billing/db' })
      expect(first.plaintext).toHaveLength(32)
      expect(await admin.dataKeys.rotate({ reference: 'billing/db' })).toMatchObject({ currentVersion: 2 })
      const again = await admin.dataKeys.get({ reference: 'billing/db', version: 1 })
      expect(again).toMatchObject({ state: 'deprecated', plaintext: first.plaintext })
      expect((await admin.dataKeys.list({ key: 'root' })).items).toMatchObject([{ id: made.id }])
    })

    test('RSA keys encrypt what anybody may', async () => {
      const { admin } = await newHouse()
      const key = await admin.keys.create({ name: 'rsa', spec: 'RSA_2048', usage: 'ENCRYPT_DECRYPT' })
      const { pem } = await key.getPublicKey()
      const ciphertext = publicEncrypt(
        { key: pem, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' },
        Buffer.from('x'),
      )
      expect((await admin.decrypt({ key: 'rsa', ciphertext })).plaintext.toString()).toBe('x')
    })

    test('keys that are brought, imported and taken along', async () => {
      const { admin } = await newHouse()
      const bytes = randomBytes(32)
      const brought = await admin.keys.create({
        name: 'brought',
        spec: 'AES_256',
        origin: 'EXTERNAL',
        material: { format: 'raw', bytes },
        exportable: true,
      })
      const pair = generateKeyPairSync('rsa', { modulusLength: 2048 })
      const spki = pair.publicKey.export({ type: 'spki', format: 'der' })
      const taken = await admin.keys.export({
        key: 'brought',
        publicKey: spki,
        wrappingAlgorithm: 'RSAES_OAEP_SHA_256',
      })
      expect(taken).toMatchObject({ keyId: brought.id, spec: 'AES_256', keyVersion: 1 })
      const pem = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
      await admin.keys.create({
        name: 'pem',
        spec: 'ECC_NIST_EDWARDS25519',
        origin: 'EXTERNAL',
        material: { format: 'pkcs8', bytes: pem },
      })
      const jwk = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' })
      await admin.keys.create({
        name: 'jwk',
        spec: 'ECC_NIST_P256',
        usage: 'SIGN_VERIFY',
        origin: 'EXTERNAL',
        material: { format: 'jwk', jwk },
      })
      await admin.keys.create({ name: 'later', spec: 'AES_256', origin: 'EXTERNAL' })
      const asked = await admin.keys.getParametersForImport({ key: 'later', wrappingAlgorithm: 'RSAES_OAEP_SHA_256' })
      expect(asked.parametersValidTo).toBeInstanceOf(Date)
      const wrapping = {
        key: asked.publicKey,
        format: 'der',
        type: 'spki',
        padding: constants.RSA_PKCS1_OAEP_PADDING,
        oaepHash: 'sha256',
      } as const
      const expiresAt = new Date(Date.now() + 86_400_000)
      const imported = await admin.keys.importKeyMaterial({
        key: 'later',
        importToken: asked.importToken,
        encryptedKeyMaterial: publicEncrypt(wrapping, randomBytes(32)),
        wrappingAlgorithm: 'RSAES_OAEP_SHA_256',
        expiresAt,
      })
      expect(imported).toMatchObject({ state: 'Enabled', materialExpiresAt: expiresAt })
      expect(await admin.keys.deleteImportedKeyMaterial({ key: 'later' })).toMatchObject({ state: 'PendingImport' })
    })
  })
}
