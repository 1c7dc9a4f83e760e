import { ecMaterial, type Curve } from '../crypto/ec-material.ts'
import { ecdsa } from '../crypto/ecdsa-signing.ts'
import { ed25519Prehashed, ed25519Pure } from '../crypto/eddsa-signing.ts'
import type { MaterialSource } from '../crypto/fresh-material.ts'
import type { MacAlgorithm } from '../crypto/mac.ts'
import { mlDsa } from '../crypto/ml-dsa-signing.ts'
import { oaepAlgorithms, type OaepAlgorithm } from '../crypto/oaep.ts'
import { rsaMaterial } from '../crypto/rsa-material.ts'
import { pkcs1, pss, signatureHashes } from '../crypto/rsa-signing.ts'
import { seededKinds, seededMaterial } from '../crypto/seeded-material.ts'
import type { SigningAlgorithm } from '../crypto/signing.ts'
import { symmetricMaterial } from '../crypto/symmetric-material.ts'
import { ownOnly } from '../internal/own.ts'
import type { KeySpec, KeyUsage } from '../state/rows.ts'

/** What the library knows about one key spec. Another spec is another row. */
export interface KeySpecRow {
  /** What keys of it may be for; the first is the default where it is the only one. */
  readonly usages: readonly [KeyUsage, ...KeyUsage[]]
  /** How its material is made, and what is taken of material that somebody brings. */
  readonly material: MaterialSource
  /** Whether its ciphertexts say which key and version they are of: CM1 or CS1. */
  readonly isSelfDescribing?: true
  /** Whether equal values have equal ciphertexts: CS1. Such a key does nothing else, and no other key does this. */
  readonly isDeterministic?: true
  /**
   * How much of an operation one version should do at most, where its construction has a bound that somebody can reach.
   * CM1 draws a salt of 24 bytes for each message, and a key from it: two of 2^80 share one with a probability of 2^-33.
   */
  readonly bound?: { readonly operation: string; readonly most: number }
  /** What `encrypt` and `decrypt` do where ciphertexts are not CM1, the default first. */
  readonly encryption?: readonly OaepAlgorithm[]
  /** How it signs, the default first. */
  readonly signing?: readonly SigningAlgorithm[]
  /** How it authenticates messages. */
  readonly mac?: MacAlgorithm
  /** The hash that derives keys of blind indexes: never that of its MACs, which are of whatever message somebody likes. */
  readonly indexHash?: 'sha256' | 'sha512'
  /** Length of its ciphertexts, where it encapsulates secrets. */
  readonly kem?: { readonly ciphertextBytes: number }
}

const { sha256, sha384, sha512 } = signatureHashes
const p256: Curve = { name: 'prime256v1', bytes: 32 }
const p384: Curve = { name: 'secp384r1', bytes: 48 }
const p521: Curve = { name: 'secp521r1', bytes: 66 }
const k256: Curve = { name: 'secp256k1', bytes: 32 }

const rsaSigning: readonly SigningAlgorithm[] = [
  pss('RSASSA_PSS_SHA_256', sha256),
  pss('RSASSA_PSS_SHA_384', sha384),
  pss('RSASSA_PSS_SHA_512', sha512),
  pkcs1('RSASSA_PKCS1_V1_5_SHA_256', sha256),
  pkcs1('RSASSA_PKCS1_V1_5_SHA_384', sha384),
  pkcs1('RSASSA_PKCS1_V1_5_SHA_512', sha512),
]

const rsa = (bits: number): KeySpecRow => ({
  usages: ['ENCRYPT_DECRYPT', 'SIGN_VERIFY'],
  material: rsaMaterial(bits),
  encryption: oaepAlgorithms,
  signing: rsaSigning,
})

const nist = (curve: Curve, signing: SigningAlgorithm): KeySpecRow => ({
  usages: ['SIGN_VERIFY', 'KEY_AGREEMENT'],
  material: ecMaterial(curve),
  signing: [signing],
})

/** A key of at least 112 bits (SP 800-131A section 10) may be brought; one as long as the hash is made. */
const hmac = (name: string, hash: MacAlgorithm['hash'], macBytes: number): KeySpecRow => ({
  usages: ['GENERATE_VERIFY_MAC'],
  material: symmetricMaterial({ made: macBytes, least: 14, most: 1024 }),
  mac: { name, hash, macBytes },
  indexHash: hash === 'sha512' ? 'sha256' : 'sha512',
})

const signer = (material: MaterialSource, ...signing: SigningAlgorithm[]): KeySpecRow => ({
  usages: ['SIGN_VERIFY'],
  material,
  signing,
})

const mlKem = (material: MaterialSource, ciphertextBytes: number): KeySpecRow => ({
  usages: ['ENCAPSULATE_DECAPSULATE'],
  material,
  kem: { ciphertextBytes },
})

/** Every key spec, by name. What a row leaves out is absent, whatever somebody has put on `Object.prototype`. */
export const keySpecs: Readonly<Record<KeySpec, KeySpecRow>> = withoutPrototypes({
  AES_256: {
    usages: ['ENCRYPT_DECRYPT'],
    material: symmetricMaterial({ made: 32, least: 32, most: 32 }),
    isSelfDescribing: true,
  },
  AES_256_SIV: {
    usages: ['ENCRYPT_DECRYPT'],
    material: symmetricMaterial({ made: 64, least: 64, most: 64 }),
    isSelfDescribing: true,
    isDeterministic: true,
    // RFC 5297 section 7.
    bound: { operation: 'deterministicEncrypt', most: 2 ** 48 },
  },
  RSA_2048: rsa(2048),
  RSA_3072: rsa(3072),
  RSA_4096: rsa(4096),
  ECC_NIST_P256: nist(p256, ecdsa('ECDSA_SHA_256', sha256, p256)),
  ECC_NIST_P384: nist(p384, ecdsa('ECDSA_SHA_384', sha384, p384)),
  ECC_NIST_P521: nist(p521, ecdsa('ECDSA_SHA_512', sha512, p521)),
  ECC_SECG_P256K1: signer(ecMaterial(k256), ecdsa('ECDSA_SHA_256', sha256, k256)),
  ECC_NIST_EDWARDS25519: signer(seededMaterial(seededKinds.ed25519), ed25519Pure, ed25519Prehashed),
  X25519: { usages: ['KEY_AGREEMENT'], material: seededMaterial(seededKinds.x25519) },
  HMAC_224: hmac('HMAC_SHA_224', 'sha224', 28),
  HMAC_256: hmac('HMAC_SHA_256', 'sha256', 32),
  HMAC_384: hmac('HMAC_SHA_384', 'sha384', 48),
  HMAC_512: hmac('HMAC_SHA_512', 'sha512', 64),
  ML_DSA_44: signer(seededMaterial(seededKinds.mlDsa44), mlDsa),
  ML_DSA_65: signer(seededMaterial(seededKinds.mlDsa65), mlDsa),
  ML_DSA_87: signer(seededMaterial(seededKinds.mlDsa87), mlDsa),
  ML_KEM_512: mlKem(seededMaterial(seededKinds.mlKem512), 768),
  ML_KEM_768: mlKem(seededMaterial(seededKinds.mlKem768), 1088),
  ML_KEM_1024: mlKem(seededMaterial(seededKinds.mlKem1024), 1568),
})

/** A frozen copy of rows and of all that is in them, on nothing. */
function withoutPrototypes<T>(rows: T): T {
  if (typeof rows !== 'object' || rows === null) return rows
  if (Array.isArray(rows)) return Object.freeze(rows.map(withoutPrototypes)) as T
  const copied = Object.entries(rows).map(([name, value]) => [name, withoutPrototypes(value as unknown)] as const)
  return Object.freeze(ownOnly(Object.fromEntries(copied))) as T
}
