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

/** A row of `key_labels`. */
export interface KeyLabelRow {
  readonly tenant: string
  readonly keyId: string
  /** Hash of an owner, or of a tag. */
  readonly label: string
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

/** A row of `due`. */
export interface DueRow {
  readonly tenant: string
  readonly keyId: string
  /** A version of the key; 0 for the key itself. */
  readonly version: number
  /** When somebody looks at it next, in milliseconds since 1970. */
  readonly wakeAt: number
  /** The version whose expiry was recorded; 0 for none. */
  readonly toldOf: number
  /** Who has claimed it; its `rev` is what fences others off. */
  readonly holder: string | null
  /** How often it was claimed without being done. */
  readonly attempts: number
  readonly rev: number
}

/** A row of `message_counts`. */
export interface MessageCountRow {
  readonly tenant: string
  readonly keyId: string
  readonly version: number
  /** How many messages the version may have protected: never fewer than it has. */
  readonly messages: number
  readonly rev: number
}

/** A row of `jobs`: of a job, or of the lease under which it is being done. */
export interface JobRow {
  readonly tenant: string
  readonly name: string
  /** The moment of its timetable, or the end of the lease, in milliseconds since 1970. */
  readonly takenUntil: number
  readonly createdAt: number
  readonly createdBy: string
  readonly rev: number
}

/** The names of {@link QuotaScope}. */
export const quotaScopeNames = ['principal', 'owner', 'tenant'] as const

/** Of whom a quota counts: of each principal, of each owner of keys, or of all together. */
export type QuotaScope = (typeof quotaScopeNames)[number]

/** A row of `quotas`. */
export interface QuotaRow {
  readonly tenant: string
  readonly operation: string
  readonly name: string
  readonly per: QuotaScope
  readonly most: number
  readonly windowSeconds: number
  readonly createdAt: number
  readonly createdBy: string
  readonly changedAt: number
  readonly changedBy: string
  readonly rev: number
}

/** A row of `quota_uses`. */
export interface QuotaUseRow {
  readonly tenant: string
  readonly operation: string
  readonly name: string
  readonly subject: string
  /** When, in milliseconds since 1970, and how often then: pairs, a JCS text. */
  readonly times: string
  readonly rev: number
}
