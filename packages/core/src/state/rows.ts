import type { Row } from '../storage/table.ts'

/** Rows as the type of their table: adapters have checked them against its descriptor. */
export function rowsAs<R>(rows: readonly Row[]): readonly R[] {
  return rows as unknown as readonly R[]
}

/** The names of {@link KeyState}. */
export const keyStateNames = [
  'Enabled',
  'Disabled',
  'PendingImport',
  'PendingDeletion',
  'Revoked',
  'Destroyed',
] as const
/** The names of {@link VersionState}. */
export const versionStateNames = ['current', 'retired', 'disabled', 'revoked', 'destroyed'] as const
/** The names of {@link KeyUsage}. */
export const keyUsageNames = [
  'ENCRYPT_DECRYPT',
  'SIGN_VERIFY',
  'GENERATE_VERIFY_MAC',
  'KEY_AGREEMENT',
  'ENCAPSULATE_DECAPSULATE',
] as const
/** The names of {@link KeySpec}. */
export const keySpecNames = [
  'AES_256',
  'AES_256_SIV',
  'RSA_2048',
  'RSA_3072',
  'RSA_4096',
  'ECC_NIST_P256',
  'ECC_NIST_P384',
  'ECC_NIST_P521',
  'ECC_SECG_P256K1',
  'ECC_NIST_EDWARDS25519',
  'X25519',
  'HMAC_224',
  'HMAC_256',
  'HMAC_384',
  'HMAC_512',
  'ML_DSA_44',
  'ML_DSA_65',
  'ML_DSA_87',
  'ML_KEM_512',
  'ML_KEM_768',
  'ML_KEM_1024',
] as const

/** The names of {@link DataKeyState}. */
export const dataKeyStateNames = ['inUse', 'deprecated'] as const
/** The names of {@link DataKeySpec}. */
export const dataKeySpecNames = ['AES_256', 'AES_128'] as const

/** States of a version of a named data key: a deprecated one is for what it protects already. */
export type DataKeyState = (typeof dataKeyStateNames)[number]

/** What a symmetric data key is. */
export type DataKeySpec = (typeof dataKeySpecNames)[number]

/** States of a key, as AWS KMS names them where it has them. */
export type KeyState = (typeof keyStateNames)[number]

/** States of a key version. */
export type VersionState = (typeof versionStateNames)[number]

/** What a key is for. Immutable, one per key. */
export type KeyUsage = (typeof keyUsageNames)[number]

/** What a key is. */
export type KeySpec = (typeof keySpecNames)[number]

/** A row of `keys`. */
export interface KeyRow {
  readonly tenant: string
  readonly id: string
  readonly name: string | null
  readonly spec: KeySpec
  readonly usage: KeyUsage
  readonly origin: string
  readonly exportable: number
  readonly state: KeyState
  readonly priorState: KeyState | null
  readonly currentVersion: number
  readonly minDecryptVersion: number
  readonly description: string | null
  readonly tags: string
  readonly owner: string | null
  readonly policy: string
  readonly validUntil: number | null
  readonly deletionDueAt: number | null
  readonly createdAt: number
  readonly createdBy: string
  readonly stateChangedAt: number
  readonly stateChangedBy: string
  readonly stateReason: string | null
  readonly rev: number
}

/** A row of `versions`. */
export interface VersionRow {
  readonly tenant: string
  readonly keyId: string
  readonly version: number
  readonly epoch: number
  readonly state: VersionState
  readonly priorState: VersionState | null
  readonly material: Uint8Array | null
  readonly publicKey: Uint8Array | null
  readonly graceEndsAt: number | null
  readonly createdAt: number
  readonly stateChangedAt: number
  readonly stateChangedBy: string
  readonly stateReason: string | null
  readonly rev: number
}

/** A row of `imports`. */
export interface ImportRow {
  readonly tenant: string
  readonly keyId: string
  readonly version: number
  readonly epoch: number
  readonly fingerprint: Uint8Array
  readonly expiresAt: number | null
  readonly importedAt: number
  readonly importedBy: string
  readonly rev: number
}

/** A row of `names`. */
export interface NameRow {
  readonly tenant: string
  readonly space: string
  readonly name: string
  readonly target: string
  readonly kind: string
  readonly rev: number
}

/** A row of `grants`. */
export interface GrantRow {
  readonly tenant: string
  readonly id: string
  readonly name: string | null
  readonly principal: string
  readonly keyId: string
  readonly operations: string
  readonly constraints: string
  readonly expiresAt: number | null
  readonly createdAt: number
  readonly createdBy: string
  readonly rev: number
}

/** A row of `principals`. */
export interface PrincipalRow {
  readonly tenant: string
  readonly id: string
  readonly active: number
  readonly createdAt: number
  readonly stateChangedAt: number
  readonly stateChangedBy: string
  readonly stateReason: string | null
  readonly rev: number
}

/** A row of `data_keys`. */
export interface DataKeyRow {
  readonly tenant: string
  /** Keyed hash of the reference. */
  readonly id: string
  readonly keyId: string
  readonly spec: DataKeySpec | null
  readonly numberOfBytes: number
  /** Keyed hash of the encryption context. */
  readonly context: string
  readonly currentVersion: number
  readonly createdAt: number
  readonly createdBy: string
  readonly rotatedAt: number | null
  readonly rev: number
}

/** A row of `data_key_versions`. */
export interface DataKeyVersionRow {
  readonly tenant: string
  readonly id: string
  readonly version: number
  readonly state: DataKeyState
  readonly sealed: Uint8Array
  readonly createdAt: number
  readonly createdBy: string
  readonly stateChangedAt: number
  readonly stateChangedBy: string
  readonly rev: number
}
