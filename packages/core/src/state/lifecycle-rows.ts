/** A row of `aliases`. */
export interface AliasRow {
  readonly tenant: string
  readonly alias: string
  readonly keyId: string
  readonly createdAt: number
  readonly createdBy: string
  readonly retargetedAt: number | null
  readonly retargetedBy: string | null
  readonly rev: number
}

/** A row of `key_defaults`. */
export interface KeyDefaultsRow {
  readonly tenant: string
  readonly name: string
  readonly policy: string
  readonly createdAt: number
  readonly createdBy: string
  readonly changedAt: number
  readonly changedBy: string
  readonly rev: number
}
