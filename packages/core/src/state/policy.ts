import { ownOnly } from '../internal/own.ts'

/** What is to become of a key by itself: the column `policy`, a JCS text. What is absent does not happen. */
export interface KeyPolicy {
  readonly rotationPeriodDays?: number
  readonly rotateAfterMessages?: number
  readonly maxMessageBytes?: number
  readonly gracePeriodDays?: number
  readonly afterGrace?: AfterGrace
  readonly expiresAfterDays?: number
  readonly retainAfterExpiryDays?: number
  /** In milliseconds since 1970. */
  readonly validFrom?: number
  /** In milliseconds since 1970, exclusive. */
  readonly validUntil?: number
  readonly deletionProtection?: boolean
  readonly deletionUnusedDays?: number
}

/** What becomes of a retired version at the end of its grace period. */
export type AfterGrace = 'disable' | 'revoke'

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0
const isFlag = (value: unknown): boolean => typeof value === 'boolean'

/** What each member of a policy holds. */
const members: Readonly<Record<keyof KeyPolicy, (value: unknown) => boolean>> = Object.freeze({
  rotationPeriodDays: isCount,
  rotateAfterMessages: isCount,
  maxMessageBytes: isCount,
  gracePeriodDays: isCount,
  afterGrace: (value) => value === 'disable' || value === 'revoke',
  expiresAfterDays: isCount,
  retainAfterExpiryDays: isCount,
  validFrom: isCount,
  validUntil: isCount,
  deletionProtection: isFlag,
  deletionUnusedDays: isCount,
})

/** The names of what a policy says. */
export const policyNames: readonly (keyof KeyPolicy)[] = Object.freeze(Object.keys(members) as (keyof KeyPolicy)[])

/** Whether this is a policy that this library could have written. */
export function isPolicy(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return Object.entries(value).every(([name, member]) => {
    const fits = Object.hasOwn(members, name) ? members[name as keyof KeyPolicy] : undefined
    return fits !== undefined && fits(member)
  })
}

const none: KeyPolicy = Object.freeze(Object.create(null) as KeyPolicy)
const parsed = new WeakMap<object, KeyPolicy>()

/** The policy of a row. Each row is parsed once: rows are cached, and asked at every use of their keys. */
export function policyOf(row: { readonly policy: string }): KeyPolicy {
  if (row.policy === '{}') return none
  const known = parsed.get(row)
  if (known !== undefined) return known
  const policy = Object.freeze(ownOnly(JSON.parse(row.policy) as KeyPolicy))
  parsed.set(row, policy)
  return policy
}
