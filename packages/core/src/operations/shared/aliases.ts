import { z } from 'zod'
import { keyReference, name } from './fields.ts'
import type { AliasRow } from '../../state/lifecycle-rows.ts'

/** A further name of a key, which can be made to name another. */
export interface AliasDescription {
  /** The name. Whatever takes a key takes it. */
  readonly alias: string
  /** Id of the key that it names. */
  readonly keyId: string
  /** When it was made. */
  readonly createdAt: Date
  /** Who made it, by principal. */
  readonly createdBy: string
  /** When it was last made to name another key; `undefined` where it never was. */
  readonly retargetedAt: Date | undefined
  /** Who did that, by principal. */
  readonly retargetedBy: string | undefined
}

/** What callers are told of an alias's row. */
export function describeAliasRow(row: AliasRow): AliasDescription {
  return {
    alias: row.alias,
    keyId: row.keyId,
    createdAt: new Date(row.createdAt),
    createdBy: row.createdBy,
    retargetedAt: row.retargetedAt === null ? undefined : new Date(row.retargetedAt),
    retargetedBy: row.retargetedBy ?? undefined,
  }
}

/** An alias, and the key that it names or is to name. */
export const aliasSchema = z.strictObject({ alias: name, key: keyReference })
