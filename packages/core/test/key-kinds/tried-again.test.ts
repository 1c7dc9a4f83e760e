import { generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto'
import { expect, test } from 'vitest'
import { createKms, localRootKey, type KeyMaterial, type StorageAdapter } from '../../src/index.ts'
import { StorageFailure } from '../../src/storage.ts'
import { Database, rootKeyText } from '../support/kms.ts'

/** A storage whose next transaction is done, undone and reported as lost, so that the library tries it again. */
function losing(storage: StorageAdapter): {
  readonly storage: StorageAdapter
  readonly loses: (times: number) => void
} {
  let left = 0
  const transact: StorageAdapter['transact'] = async (tenant, write, options) =>
    storage.transact(
      tenant,
      async (tx) => {
        const result = await write(tx)
        if (left-- > 0) throw new StorageFailure('lost', { transient: true, outcome: 'none' })
        return result
      },
      options,
    )
  return {
    storage: { ...storage, transact },
    loses: (times) => {
      left = times
    },
  }
}

const ofSpki = ({ publicKey }: { publicKey: KeyObject }): KeyMaterial => ({
  format: 'spki',
  bytes: publicKey.export({ format: 'der', type: 'spki' }),
})
const ofPkcs8 = ({ privateKey }: { privateKey: KeyObject }): KeyMaterial => ({
  format: 'pkcs8',
  bytes: privateKey.export({ format: 'der', type: 'pkcs8' }),
})
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const ec = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
const edwards = generateKeyPairSync('ed25519')

const brought: readonly (readonly [string, object, KeyMaterial])[] = [
  ['a public key of RSA', { spec: 'RSA_2048', usage: 'SIGN_VERIFY' }, ofSpki(rsa)],
  ['a public key of a curve', { spec: 'ECC_NIST_P256', usage: 'SIGN_VERIFY' }, ofSpki(ec)],
  ['a public key of Ed25519', { spec: 'ECC_NIST_EDWARDS25519' }, ofSpki(edwards)],
  ['a private key of RSA', { spec: 'RSA_2048', usage: 'SIGN_VERIFY' }, ofPkcs8(rsa)],
  ['a private key of a curve', { spec: 'ECC_NIST_P256', usage: 'SIGN_VERIFY' }, ofPkcs8(ec)],
  ['a private key of Ed25519', { spec: 'ECC_NIST_EDWARDS25519' }, ofPkcs8(edwards)],
  ['a seed', { spec: 'ECC_NIST_EDWARDS25519' }, { format: 'raw', bytes: randomBytes(32) }],
  ['a secret', { spec: 'HMAC_256' }, { format: 'raw', bytes: randomBytes(32) }],
]

test.each(brought)('C47 %s is the same after a transaction that was lost', async (_, request, material) => {
  const db = new Database()
  const { storage, loses } = losing(db.connect())
  const kms = await createKms({ storage, rootKey: localRootKey(rootKeyText) })
  loses(1)
  const key = await kms.keys.create({ ...request, origin: 'EXTERNAL', material } as never)
  const { id } = key as { id: string }
  loses(1)
  await kms.keys.rotate({ key: id, material })
  const later = await createKms({ storage: db.connect(), rootKey: localRootKey(rootKeyText) })
  for (const keyVersion of [1, 2]) {
    if (material.format === 'raw' && 'spec' in request && request.spec === 'HMAC_256') {
      const { mac } = await later.generateMac({ key: id, message: 'x' })
      expect((await later.verifyMac({ key: id, message: 'x', mac, keyVersion })).valid).toBe(true)
    } else {
      const { publicKey } = await later.getPublicKey({ key: id, keyVersion })
      if (material.format === 'spki') expect(publicKey).toEqual(material.bytes)
      const { publicKey: current } = await later.getPublicKey({ key: id })
      expect(publicKey).toEqual(current)
      const answer = await later.verify({ key: id, message: 'x', signature: '', keyVersion })
      expect(answer.valid).toBe(false)
    }
  }
  expect(await later.audit.verify()).toMatchObject({ ok: true })
  await later.close()
  await kms.close()
})
