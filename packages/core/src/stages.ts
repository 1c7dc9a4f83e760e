import type { KeyPair } from './crypto/key-pair.ts'
import type { SecretKey } from './crypto/secret-key.ts'
import type { KmsError } from './errors.ts'
import type { KeyRow, KeySpec, KeyUsage, VersionRow } from './state/rows.ts'

/** What a principal is in the house. */
export type Role = 'admin' | 'service' | 'auditor'

/** Who asks. */
export interface Actor {
  /** The principal's id. */
  readonly id: string
  /** Its role, on the host's word. */
  readonly role: Role
}

/** Encryption context as it is authenticated: sorted, encoded, checked. Made by `envelope/context.ts`. */
export interface EncodedContext {
  /** The pairs, sorted by the bytes of their keys. */
  readonly pairs: readonly (readonly [key: string, value: string])[]
  /** `EC` of the CM1 specification. */
  readonly bytes: Buffer
}

/** What somebody wants to do, to which key. */
export interface Intent {
  /** The operation, by the name that a grant gives it. */
  readonly action: string
  /** The key's id; `undefined` where there is none or it does not exist. */
  readonly keyId: string | undefined
  /** The encryption context that comes with it, for the constraints of grants. */
  readonly context?: EncodedContext | undefined
}

declare const stage: unique symbol

/** An intent that its actor may carry out. Made by `access/authorize.ts` alone. */
export interface Authorized {
  readonly [stage]: 'Authorized'
  readonly intent: Intent
  /** When this stops being true, in milliseconds since 1970; `Infinity` for never. */
  readonly validUntil: number
  /** Whether it would be the same with any other encryption context. */
  readonly withAnyContext: boolean
}

/** A key version that exists and whose state allows the use. Made by `keys/keyring.ts` alone. */
export interface UsableKey {
  readonly [stage]: 'UsableKey'
  readonly key: KeyRow
  readonly version: VersionRow
  readonly validUntil: number
}

/** The secret of a usable version of a symmetric key. Made by `keys/keyring.ts` alone. */
export interface Material {
  readonly [stage]: 'Material'
  readonly keyId: string
  readonly keyVersion: number
  readonly spec: KeySpec
  readonly usage: KeyUsage
  readonly secret: SecretKey
  readonly pair?: undefined
}

/** The key pair of a usable version of an asymmetric key. Made by `keys/keyring.ts` alone. */
export interface PairMaterial {
  readonly [stage]: 'Material'
  readonly keyId: string
  readonly keyVersion: number
  readonly spec: KeySpec
  readonly usage: KeyUsage
  readonly pair: KeyPair
}

/** Proof that the records of an operation are durable: what releases its result. Made by `audit/ledger.ts` alone. */
export interface Recorded {
  readonly [stage]: 'Recorded'
  /** The position of the operation's last record in the chain. */
  readonly seq: number
  /** What it is recorded as refused for, although it was done: it was done too often. */
  readonly refusal: KmsError | undefined
}
