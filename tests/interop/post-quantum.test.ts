import type { Kms } from '@chatelaine/core'
import { ml_dsa44, ml_dsa65, ml_dsa87 } from '@noble/post-quantum/ml-dsa.js'
import { ml_kem512, ml_kem768, ml_kem1024 } from '@noble/post-quantum/ml-kem.js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { oids, spki } from '../wycheproof/der.ts'
import { broughtKey, bytes, madeKey, openHouse } from './house.ts'

const signers = [
  { spec: 'ML_DSA_44', scheme: ml_dsa44, oid: oids['ML-DSA-44'] },
  { spec: 'ML_DSA_65', scheme: ml_dsa65, oid: oids['ML-DSA-65'] },
  { spec: 'ML_DSA_87', scheme: ml_dsa87, oid: oids['ML-DSA-87'] },
] as const
const kems = [
  { spec: 'ML_KEM_512', scheme: ml_kem512, oid: oids['ML-KEM-512'] },
  { spec: 'ML_KEM_768', scheme: ml_kem768, oid: oids['ML-KEM-768'] },
  { spec: 'ML_KEM_1024', scheme: ml_kem1024, oid: oids['ML-KEM-1024'] },
] as const

const message = Buffer.from('read elsewhere, written elsewhere')
const context = Buffer.from('a context')
const contexts = [undefined, context, Buffer.alloc(255, 1)]
const seedOf = (length: number): Uint8Array => crypto.getRandomValues(new Uint8Array(length))

let kms: Kms
beforeAll(async () => {
  kms = await openHouse()
})
afterAll(async () => kms.close())

describe.each(signers)('$spec and @noble/post-quantum', ({ spec, scheme, oid }) => {
  const purpose = { spec, usage: 'SIGN_VERIFY' }

  test.each(contexts)('agree on signatures made here, with the context %o', async (signingContext) => {
    const key = await madeKey(kms, spec, 'SIGN_VERIFY')
    const publicKey = (await kms.getPublicKey({ key })).publicKey.subarray(-scheme.lengths.publicKey!)
    const { signature } = await kms.sign({ key, message, signingContext })
    const verifies = (options: { context?: Uint8Array }) => scheme.verify(signature, message, publicKey, options)
    expect(verifies(signingContext === undefined ? {} : { context: signingContext })).toBe(true)
    expect(verifies({ context: Buffer.from('another') })).toBe(false)
  })

  test.each(contexts)('agree on signatures made there, with the context %o', async (signingContext) => {
    const { secretKey, publicKey } = scheme.keygen(seedOf(32))
    const signature = scheme.sign(message, secretKey, signingContext === undefined ? {} : { context: signingContext })
    const key = await broughtKey(kms, purpose, { format: 'spki', bytes: spki(oid, publicKey) })
    expect(await kms.verify({ key, message, signature, signingContext })).toMatchObject({ valid: true })
    const wrong = { key, message, signature, signingContext: Buffer.from('another') }
    expect(await kms.verify(wrong)).toMatchObject({ valid: false })
  })

  test('agree on the public half of a seed', async () => {
    const seed = seedOf(32)
    const key = await broughtKey(kms, purpose, { format: 'raw', bytes: seed })
    expect((await kms.getPublicKey({ key })).publicKey).toEqual(spki(oid, scheme.keygen(seed).publicKey))
  })
})

describe.each(kems)('$spec and @noble/post-quantum', ({ spec, scheme, oid }) => {
  const purpose = { spec, usage: 'ENCAPSULATE_DECAPSULATE' }

  test('agree on a secret encapsulated there', async () => {
    const key = await madeKey(kms, spec, purpose.usage)
    const publicKey = (await kms.getPublicKey({ key })).publicKey.subarray(-scheme.lengths.publicKey!)
    const { cipherText, sharedSecret } = scheme.encapsulate(publicKey)
    const decapsulated = await kms.decapsulate({ key, ciphertext: cipherText })
    expect(decapsulated.sharedSecret).toEqual(bytes(sharedSecret))
  })

  test('agree on a secret encapsulated here', async () => {
    const { secretKey, publicKey } = scheme.keygen(seedOf(64))
    const key = await broughtKey(kms, purpose, { format: 'spki', bytes: spki(oid, publicKey) })
    const { ciphertext, sharedSecret } = await kms.encapsulate({ key })
    expect(bytes(scheme.decapsulate(ciphertext, secretKey))).toEqual(sharedSecret)
  })

  test('agree on the public half of a seed, and on the secret of a ciphertext that was changed', async () => {
    const seed = seedOf(64)
    const { secretKey, publicKey } = scheme.keygen(seed)
    const key = await broughtKey(kms, purpose, { format: 'raw', bytes: seed })
    expect((await kms.getPublicKey({ key })).publicKey).toEqual(spki(oid, publicKey))
    const { ciphertext, sharedSecret } = await kms.encapsulate({ key })
    ciphertext[0]! ^= 1
    const implicit = bytes(scheme.decapsulate(ciphertext, secretKey))
    expect((await kms.decapsulate({ key, ciphertext })).sharedSecret).toEqual(implicit)
    expect(implicit).not.toEqual(sharedSecret)
  })
})
