import { z } from 'zod'
import type { KeyRow, KeySpec, KeyState, KeyUsage, VersionRow, VersionState } from '../../state/rows.ts'
import { expiryOf, retentionEnd } from '../../keys/validity.ts'
import type { KeyPolicy } from '../../state/policy.ts'
import { textOf } from './fields.ts'
import { describePolicy, mergePolicy, policyColumn, policyFields, requireOwnMaterial } from './policies.ts'
import type { KeyPolicies, KeyPolicyDescription, ParsedPolicies } from './policies.ts'

/** What is known of a key. Never its material. */
export interface KeyDescription extends KeyPolicyDescription {
  /** UUID. */
  readonly id: string
  /** Unique in the tenant, where it has one. */
  readonly name: string | undefined
  /** What it is. */
  readonly spec: KeySpec
  /** What it is for. */
  readonly usage: KeyUsage
  /** Where its material comes from: `CHATELAINE`, or `EXTERNAL` for one that was brought. */
  readonly origin: string
  /** Whether its material may be exported. */
  readonly exportable: boolean
  /** What it may be used for now. */
  readonly state: KeyState
  /** The version that protects. */
  readonly currentVersion: number
  /** Versions below this one no longer decrypt. */
  readonly minDecryptVersion: number
  /** For people. */
  readonly description: string | undefined
  /** Pairs for people and their tools. */
  readonly tags: Readonly<Record<string, string>>
  /** Whom the key belongs to, in the host's words. */
  readonly owner: string | undefined
  /** When it was made. */
  readonly createdAt: Date
  /** Who made it, by principal. */
  readonly createdBy: string
  /** When its state last changed. */
  readonly stateChangedAt: Date
  /** Who changed it, by principal. */
  readonly stateChangedBy: string
  /** Why, where a reason was given. */
  readonly stateReason: string | undefined
  /** When the imported material of its current version expires, or did; `undefined` is never. */
  readonly materialExpiresAt: Date | undefined
  /** When it may be destroyed, while its deletion is pending. */
  readonly deletionDueAt: Date | undefined
}

/** What is known of a key version. Never its material. */
export interface KeyVersionDescription {
  /** The key that it is of. */
  readonly keyId: string
  /** Its number, from 1. */
  readonly version: number
  /** What it may be used for while the key is enabled. */
  readonly state: VersionState
  /** When a retired version stops decrypting; `undefined` is never. */
  readonly graceEndsAt: Date | undefined
  /** When it stops protecting because of its age; `undefined` is never. */
  readonly expiresAt: Date | undefined
  /** When it stops decrypting because it has expired so long ago; `undefined` is never. */
  readonly retainedUntil: Date | undefined
  /** When it was made. */
  readonly createdAt: Date
  /** When its state last changed. */
  readonly stateChangedAt: Date
  /** Who changed it, by principal. */
  readonly stateChangedBy: string
  /** Why, where a reason was given. */
  readonly stateReason: string | undefined
}

/** What of a key can be chosen at its creation and changed later. */
export interface KeySettings extends KeyPolicies {
  /** For people, at most 1,024 characters. */
  readonly description?: string | undefined
  /** At most 50 pairs; keys of at most 128 characters, values of at most 256. Stored in clear. */
  readonly tags?: Readonly<Record<string, string>> | undefined
  /** Whom the key belongs to, in the host's words, at most 256 characters. */
  readonly owner?: string | undefined
}

/** The fields of {@link KeySettings}, for schemas. */
export const settingsFields = {
  description: textOf(1024).optional(),
  tags: z
    .record(
      textOf(128),
      z
        .string()
        .max(256)
        .refine((value) => value.isWellFormed(), 'it is not well-formed text'),
    )
    .refine((tags) => Object.keys(tags).length <= 50, 'there are more than 50 tags')
    .optional(),
  owner: textOf(256).optional(),
  ...policyFields,
}

/** Settings as a schema hands them over: `null` takes away. */
export interface ParsedSettings extends ParsedPolicies {
  readonly description?: string | null | undefined
  readonly tags?: Readonly<Record<string, string>> | undefined
  readonly owner?: string | null | undefined
}

/** The columns that settings are kept in. @throws InvalidRequestError for policies that contradict each other */
export function settingsColumns(
  settings: ParsedSettings,
  { policy, origin }: { policy: KeyPolicy; origin: string },
): Partial<KeyRow> {
  const { description, tags, owner } = settings
  const merged = mergePolicy(policy, settings)
  requireOwnMaterial(merged, origin)
  return {
    ...(description === undefined ? {} : { description }),
    ...(tags === undefined ? {} : { tags: JSON.stringify(tags) }),
    ...(owner === undefined ? {} : { owner }),
    policy: policyColumn(merged),
  }
}

/** What callers are told of a row. */
export function describeKeyRow(row: KeyRow): KeyDescription {
  return {
    id: row.id,
    name: row.name ?? undefined,
    spec: row.spec,
    usage: row.usage,
    origin: row.origin,
    exportable: row.exportable === 1,
    state: row.state,
    currentVersion: row.currentVersion,
    minDecryptVersion: row.minDecryptVersion,
    ...describePolicy(row),
    description: row.description ?? undefined,
    tags: JSON.parse(row.tags) as Record<string, string>,
    owner: row.owner ?? undefined,
    createdAt: new Date(row.createdAt),
    createdBy: row.createdBy,
    stateChangedAt: new Date(row.stateChangedAt),
    stateChangedBy: row.stateChangedBy,
    stateReason: row.stateReason ?? undefined,
    materialExpiresAt: row.validUntil === null ? undefined : new Date(row.validUntil),
    deletionDueAt: row.deletionDueAt === null ? undefined : new Date(row.deletionDueAt),
  }
}

/** What callers are told of a version's row. */
export function describeVersionRow(key: KeyRow, row: VersionRow): KeyVersionDescription {
  const dateOf = (time: number): Date | undefined => (time === Infinity ? undefined : new Date(time))
  return {
    keyId: row.keyId,
    version: row.version,
    state: row.state,
    graceEndsAt: row.graceEndsAt === null ? undefined : new Date(row.graceEndsAt),
    expiresAt: dateOf(expiryOf(key, row)),
    retainedUntil: dateOf(retentionEnd(key, row)),
    createdAt: new Date(row.createdAt),
    stateChangedAt: new Date(row.stateChangedAt),
    stateChangedBy: row.stateChangedBy,
    stateReason: row.stateReason ?? undefined,
  }
}
