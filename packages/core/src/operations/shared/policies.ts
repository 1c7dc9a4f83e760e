import { z } from 'zod'
import { InvalidRequestError } from '../../errors.ts'
import { jcs, type Json } from '../../internal/jcs.ts'
import { policyNames, policyOf, type AfterGrace, type KeyPolicy } from '../../state/policy.ts'
import type { KeyRow } from '../../state/rows.ts'
import { instant } from './instant.ts'

/** What is to become of a key by itself. Days are of 24 hours, and count to the millisecond. */
export interface KeyDurations {
  /** The scheduler rotates the key when its current version is so old, 1 to 36,500 days. @defaultValue never */
  readonly rotationPeriodDays?: number | null | undefined
  /**
   * The scheduler rotates the key when its current version has protected so many messages, 1 to 2^53 - 1: encrypted,
   * signed, authenticated, or made data keys for. They are counted in advance, so it is due never later, and
   * a little earlier; the next run of the scheduler does it. @defaultValue never
   */
  readonly rotateAfterMessages?: number | null | undefined
  /**
   * How large the messages of the key may be, 1 to 2^53 - 1 bytes: what is encrypted, decrypted, signed, verified or
   * authenticated, and streams. Larger ones are `LIMIT_EXCEEDED`. @defaultValue the library's own limits alone
   */
  readonly maxMessageBytes?: number | null | undefined
  /** How long a version decrypts after it was rotated away, 0 to 36,500 days. @defaultValue for ever */
  readonly gracePeriodDays?: number | null | undefined
  /** What the scheduler does to a version whose grace period is over: `revoke` is for ever. @defaultValue 'disable' */
  readonly afterGrace?: AfterGrace | null | undefined
  /** A version no longer protects once it is so old, 1 to 36,500 days; it goes on decrypting. @defaultValue never */
  readonly expiresAfterDays?: number | null | undefined
  /**
   * How long a version decrypts after it has expired, 0 to 36,500 days. When this is over for the current version, the
   * scheduler schedules the deletion of the key. Needs `expiresAfterDays`. @defaultValue for ever
   */
  readonly retainAfterExpiryDays?: number | null | undefined
  /** Refuses `scheduleDeletion`. @defaultValue false */
  readonly deletionProtection?: boolean | null | undefined
  /** Refuses `scheduleDeletion` of a key that was used in so many days before, 1 to 36,500. @defaultValue never */
  readonly deletionUnusedDays?: number | null | undefined
}

/** The policies of a key: {@link KeyDurations}, and between which moments it may be used at all. */
export interface KeyPolicies extends KeyDurations {
  /** Before this the key is not used. @defaultValue at once */
  readonly validFrom?: Date | null | undefined
  /** From this moment on the key is not used, nor rotated; the scheduler then disables it. @defaultValue never */
  readonly validUntil?: Date | null | undefined
}

/** The policies of a key, as they hold: what does not happen is `undefined`. */
export interface KeyPolicyDescription {
  /** How old the current version becomes before the scheduler rotates the key. */
  readonly rotationPeriodDays: number | undefined
  /** How many messages the current version protects before the scheduler rotates the key. */
  readonly rotateAfterMessages: number | undefined
  /** How large the messages of the key may be. */
  readonly maxMessageBytes: number | undefined
  /** How long a version decrypts after it was rotated away; `undefined` is for ever. */
  readonly gracePeriodDays: number | undefined
  /** What the scheduler does to a version whose grace period is over; `undefined` is `disable`. */
  readonly afterGrace: AfterGrace | undefined
  /** How old a version becomes before it no longer protects. */
  readonly expiresAfterDays: number | undefined
  /** How long a version decrypts after it has expired; `undefined` is for ever. */
  readonly retainAfterExpiryDays: number | undefined
  /** Before this the key is not used. */
  readonly validFrom: Date | undefined
  /** From this moment on the key is not used. */
  readonly validUntil: Date | undefined
  /** Whether its deletion is refused. */
  readonly deletionProtection: boolean
  /** For how many days it must not have been used before its deletion is scheduled. */
  readonly deletionUnusedDays: number | undefined
}

const days = (least: number): z.ZodType<number | null | undefined, number | null | undefined> =>
  z.int().min(least).max(36_500).nullable().optional()

/** The fields of {@link KeyDurations}, for schemas. */
export const durationFields = {
  rotationPeriodDays: days(1),
  rotateAfterMessages: z.int().min(1).nullable().optional(),
  maxMessageBytes: z.int().min(1).nullable().optional(),
  gracePeriodDays: days(0),
  afterGrace: z.enum(['disable', 'revoke']).nullable().optional(),
  expiresAfterDays: days(1),
  retainAfterExpiryDays: days(0),
  deletionProtection: z.boolean().nullable().optional(),
  deletionUnusedDays: days(1),
}

/** The fields of {@link KeyPolicies}, for schemas. */
export const policyFields = {
  ...durationFields,
  validFrom: instant.nullable().optional(),
  validUntil: instant.nullable().optional(),
}

/** Policies as a schema hands them over. */
export type ParsedPolicies = {
  readonly [Name in keyof KeyPolicy]?: KeyPolicy[Name] | null | undefined
}

/** A policy with what is given put in its place: `null` ends what was, absent stays. @throws InvalidRequestError */
export function mergePolicy(before: KeyPolicy, given: ParsedPolicies): KeyPolicy {
  const merged: Record<string, Json> = {}
  for (const name of policyNames) {
    const value = given[name] === undefined ? before[name] : given[name]
    if (value !== undefined && value !== null && value !== false) merged[name] = value
  }
  return consistent(merged as KeyPolicy)
}

/** @throws InvalidRequestError */
function consistent(policy: KeyPolicy): KeyPolicy {
  const { validFrom, validUntil, expiresAfterDays, retainAfterExpiryDays } = policy
  if (validFrom !== undefined && validUntil !== undefined && validFrom >= validUntil) {
    refuse('validUntil', 'it is not after validFrom')
  }
  if (retainAfterExpiryDays !== undefined && expiresAfterDays === undefined) {
    refuse('retainAfterExpiryDays', 'it needs expiresAfterDays')
  }
  return policy
}

/** Material that was brought is not made anew by itself. @throws InvalidRequestError */
export function requireOwnMaterial(policy: KeyPolicy, origin: string): void {
  if (origin !== 'EXTERNAL') return
  for (const name of ['rotationPeriodDays', 'rotateAfterMessages'] as const) {
    if (policy[name] !== undefined) refuse(name, 'a key of origin EXTERNAL is rotated by whoever brings the material')
  }
}

function refuse(path: string, message: string): never {
  throw new InvalidRequestError(`${path}: ${message}`, [{ path, message }])
}

/** The column of a policy. */
export function policyColumn(policy: KeyPolicy): string {
  return jcs(policy as Json)
}

/** What callers are told of a row's policy. */
export function describePolicy(row: Pick<KeyRow, 'policy'>): KeyPolicyDescription {
  const policy = policyOf(row)
  const dateOf = (time: number | undefined): Date | undefined => (time === undefined ? undefined : new Date(time))
  return {
    rotationPeriodDays: policy.rotationPeriodDays,
    rotateAfterMessages: policy.rotateAfterMessages,
    maxMessageBytes: policy.maxMessageBytes,
    gracePeriodDays: policy.gracePeriodDays,
    afterGrace: policy.afterGrace,
    expiresAfterDays: policy.expiresAfterDays,
    retainAfterExpiryDays: policy.retainAfterExpiryDays,
    validFrom: dateOf(policy.validFrom),
    validUntil: dateOf(policy.validUntil),
    deletionProtection: policy.deletionProtection ?? false,
    deletionUnusedDays: policy.deletionUnusedDays,
  }
}
