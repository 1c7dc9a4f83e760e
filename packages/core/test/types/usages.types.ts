// Compiled by `pnpm typecheck`, never run: a line marked so must be refused by the compiler, every other one taken. What a
// key is for decides what can be done with it, before anything runs.
import type { AgreementKey, EncapsulationKey, EncryptionKey, Kms, MacKey, SigningKey } from '../../src/index.ts'

declare const kms: Kms

/** A handle by name is that of an encryption key, unless the usage says otherwise. */
export const byDefault: EncryptionKey = kms.key('k')
export const signing: SigningKey = kms.key('k', 'SIGN_VERIFY')
export const authenticating: MacKey = kms.key('k', 'GENERATE_VERIFY_MAC')
export const agreeing: AgreementKey = kms.key('k', 'KEY_AGREEMENT')
export const encapsulating: EncapsulationKey = kms.key('k', 'ENCAPSULATE_DECAPSULATE')

/** Each has the verbs of its usage, and those that all keys have. */
export const has = async (): Promise<unknown[]> => [
  byDefault.encrypt('x'),
  signing.signMany([{ message: 'x' }]),
  authenticating.verifyMac('x', 'AAAA'),
  agreeing.deriveSharedSecret('x', { keyVersion: 1 }),
  encapsulating.encapsulate(),
  signing.rotate(),
  authenticating.describe(),
]

/** None has those of another. */
export const hasNot = (): unknown[] => [
  // @ts-expect-error a signing key encrypts nothing
  signing.encrypt,
  // @ts-expect-error nor does it decrypt
  signing.decrypt,
  // @ts-expect-error nor does it make MACs
  signing.generateMac,
  // @ts-expect-error an encryption key signs nothing
  byDefault.sign,
  // @ts-expect-error nor does it encapsulate
  byDefault.encapsulate,
  // @ts-expect-error a MAC key verifies no signatures
  authenticating.verify,
  // @ts-expect-error and has no public half
  authenticating.getPublicKey,
  // @ts-expect-error an agreement key signs nothing
  agreeing.sign,
  // @ts-expect-error an encapsulation key agrees on nothing
  encapsulating.deriveSharedSecret,
]

/** A usage that there is not. */
// @ts-expect-error there are five usages
export const unknown = kms.key('k', 'HOUSE')

/** What is made is what was asked for. */
export const made = async (): Promise<unknown> => {
  const aes: EncryptionKey = await kms.keys.create({ spec: 'AES_256' })
  const oaep: EncryptionKey = await kms.keys.create({ spec: 'RSA_2048', usage: 'ENCRYPT_DECRYPT' })
  const pss: SigningKey = await kms.keys.create({ spec: 'RSA_4096', usage: 'SIGN_VERIFY' })
  const ecdsa: SigningKey = await kms.keys.ensure({ name: 'e', spec: 'ECC_NIST_P384', usage: 'SIGN_VERIFY' })
  const ecdh: AgreementKey = await kms.keys.create({ spec: 'ECC_NIST_P521', usage: 'KEY_AGREEMENT' })
  const edwards: SigningKey = await kms.keys.create({ spec: 'ECC_NIST_EDWARDS25519' })
  const bitcoin: SigningKey = await kms.keys.create({ spec: 'ECC_SECG_P256K1', usage: 'SIGN_VERIFY' })
  const lattice: SigningKey = await kms.keys.ensure({ name: 'l', spec: 'ML_DSA_65' })
  const x25519: AgreementKey = await kms.keys.create({ spec: 'X25519' })
  const hmac: MacKey = await kms.keys.ensure({ name: 'm', spec: 'HMAC_384' })
  const kem: EncapsulationKey = await kms.keys.create({ spec: 'ML_KEM_768' })
  return [aes, oaep, pss, ecdsa, ecdh, edwards, bitcoin, lattice, x25519, hmac, kem]
}

/** What was made is not taken for something else. */
export const mistaken = async (): Promise<unknown> => {
  // @ts-expect-error an RSA key made to encrypt signs nothing
  const signer: SigningKey = await kms.keys.create({ spec: 'RSA_2048', usage: 'ENCRYPT_DECRYPT' })
  // @ts-expect-error a MAC key is no signing key
  const mac: SigningKey = await kms.keys.create({ spec: 'HMAC_256' })
  return [signer, mac]
}

/** A spec of several usages has to be told which. */
export const undecided = (): unknown[] => [
  // @ts-expect-error RSA keys encrypt or sign
  kms.keys.create({ spec: 'RSA_2048' }),
  // @ts-expect-error keys on NIST curves sign or agree
  kms.keys.create({ spec: 'ECC_NIST_P256' }),
  // @ts-expect-error the same where it is found or made
  kms.keys.ensure({ name: 'n', spec: 'RSA_3072' }),
]

/** A spec takes none of the usages that it does not have. */
export const wrong = (): unknown[] => [
  // @ts-expect-error AES keys encrypt
  kms.keys.create({ spec: 'AES_256', usage: 'SIGN_VERIFY' }),
  // @ts-expect-error RSA keys agree on nothing
  kms.keys.create({ spec: 'RSA_2048', usage: 'KEY_AGREEMENT' }),
  // @ts-expect-error keys on curves encrypt nothing
  kms.keys.create({ spec: 'ECC_NIST_P256', usage: 'ENCRYPT_DECRYPT' }),
  // @ts-expect-error secp256k1 is there to sign
  kms.keys.create({ spec: 'ECC_SECG_P256K1', usage: 'KEY_AGREEMENT' }),
  // @ts-expect-error X25519 keys sign nothing
  kms.keys.create({ spec: 'X25519', usage: 'SIGN_VERIFY' }),
  // @ts-expect-error MAC keys encrypt nothing
  kms.keys.create({ spec: 'HMAC_256', usage: 'ENCRYPT_DECRYPT' }),
  // @ts-expect-error ML-KEM keys sign nothing
  kms.keys.create({ spec: 'ML_KEM_768', usage: 'SIGN_VERIFY' }),
]

/** Algorithms that are not there. */
export const old = (): unknown[] => [
  // @ts-expect-error SHA-1 signs nothing
  signing.sign('x', { algorithm: 'RSASSA_PKCS1_V1_5_SHA_1' }),
  // @ts-expect-error PKCS#1 v1.5 encrypts nothing
  byDefault.encrypt('x', { algorithm: 'RSAES_PKCS1_V1_5' }),
  // @ts-expect-error OAEP with SHA-1 only decrypts
  byDefault.encrypt('x', { algorithm: 'RSAES_OAEP_SHA_1' }),
  // @ts-expect-error a MAC is no signature
  signing.verify('x', 'AAAA', { algorithm: 'HMAC_SHA_256' }),
]
