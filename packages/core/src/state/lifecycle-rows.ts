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
