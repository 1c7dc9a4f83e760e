/** A row of `keyring`. */
export interface KeyringRow {
  readonly tenant: string
  readonly epoch: number
  /** The root key that wrapped it. */
  readonly provider: string
  readonly wrapped: Uint8Array
  readonly createdAt: number
  readonly rev: number
}

/** A row of `keyring_wraps`: the same key, wrapped by another root key. */
export type KeyringWrapRow = KeyringRow

/** A row of `keyring_epochs`. */
export interface KeyringEpochRow {
  readonly tenant: string
  readonly epoch: number
  /** The root key under which it began. */
  readonly madeUnder: string
  readonly fingerprint: Uint8Array
  /** By the house's signing key, over tenant, epoch and fingerprint. */
  readonly signature: Uint8Array
  readonly createdAt: number
  readonly rev: number
}

/** A row of `secrets`. */
export interface SecretRow {
  readonly tenant: string
  readonly purpose: string
  readonly version: number
  readonly id: string
  readonly epoch: number
  readonly material: Uint8Array
  readonly createdAt: number
  readonly rev: number
}
