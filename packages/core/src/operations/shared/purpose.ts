import type { KeyUsage } from '../../state/rows.ts'

/** What a key is, and what it is for: a spec that serves several purposes has to be told which. */
export type KeyPurpose =
  | {
      /** Authenticated encryption of messages and data keys, in CM1. */
      readonly spec: 'AES_256'
      /** What it is for. @defaultValue 'ENCRYPT_DECRYPT' */
      readonly usage?: 'ENCRYPT_DECRYPT' | undefined
    }
  | {
      /** Deterministic encryption of values that are looked up (AES-SIV, RFC 5297), in CS1. */
      readonly spec: 'AES_256_SIV'
      /** What it is for. @defaultValue 'ENCRYPT_DECRYPT' */
      readonly usage?: 'ENCRYPT_DECRYPT' | undefined
    }
  | {
      /** RSA with a modulus of so many bits (RFC 8017). */
      readonly spec: 'RSA_2048' | 'RSA_3072' | 'RSA_4096'
      /** What it is for: encrypting short messages with OAEP, or signing. */
      readonly usage: 'ENCRYPT_DECRYPT' | 'SIGN_VERIFY'
    }
  | {
      /** A NIST curve (SP 800-186). */
      readonly spec: 'ECC_NIST_P256' | 'ECC_NIST_P384' | 'ECC_NIST_P521'
      /** What it is for: ECDSA, or ECDH. */
      readonly usage: 'SIGN_VERIFY' | 'KEY_AGREEMENT'
    }
  | {
      /** Signatures: secp256k1 (SEC 2), Ed25519 (RFC 8032), ML-DSA (FIPS 204, from Node 24 on). */
      readonly spec: 'ECC_SECG_P256K1' | 'ECC_NIST_EDWARDS25519' | 'ML_DSA_44' | 'ML_DSA_65' | 'ML_DSA_87'
      /** What it is for. @defaultValue 'SIGN_VERIFY' */
      readonly usage?: 'SIGN_VERIFY' | undefined
    }
  | {
      /** Agreement on secrets (RFC 7748). */
      readonly spec: 'X25519'
      /** What it is for. @defaultValue 'KEY_AGREEMENT' */
      readonly usage?: 'KEY_AGREEMENT' | undefined
    }
  | {
      /** Message authentication codes (FIPS 198-1). */
      readonly spec: 'HMAC_224' | 'HMAC_256' | 'HMAC_384' | 'HMAC_512'
      /** What it is for. @defaultValue 'GENERATE_VERIFY_MAC' */
      readonly usage?: 'GENERATE_VERIFY_MAC' | undefined
    }
  | {
      /** Key encapsulation (FIPS 203, from Node 24 on). */
      readonly spec: 'ML_KEM_512' | 'ML_KEM_768' | 'ML_KEM_1024'
      /** What it is for. @defaultValue 'ENCAPSULATE_DECAPSULATE' */
      readonly usage?: 'ENCAPSULATE_DECAPSULATE' | undefined
    }

type UsagesOf<S, P extends KeyPurpose = KeyPurpose> = P extends KeyPurpose
  ? S extends P['spec']
    ? NonNullable<P['usage']>
    : never
  : never

/** The usage of a key to make: the one that the request names, or the only one of its spec. */
export type UsageOf<P> = P extends {
  /** The usage that it names. */
  readonly usage: infer U extends KeyUsage
}
  ? U
  : P extends {
        /** The spec that it names. */
        readonly spec: infer S
      }
    ? UsagesOf<S>
    : never
