import { KeyNotFoundError, StorageTamperedError } from '../../errors.ts'
import { withReason } from '../../internal/reason.ts'
import type { NameIndex } from '../../keys/name-index.ts'
import type { EncodedContext } from '../../stages.ts'
import type { DataKeyRow, DataKeySpec } from '../../state/rows.ts'
import { context, name, type EncryptionContext } from './fields.ts'

/** A named data key. */
export interface DataKeyReference {
  /** Its name: 1 to 256 of `A-Z a-z 0-9 / _ . -`. Never stored: the database and the records hold a keyed hash of it. */
  readonly reference: string
  /** The pairs that it was made with. @defaultValue none */
  readonly context?: EncryptionContext | undefined
}

/** What is known of a named data key: neither its bytes nor its name. */
export interface DataKeyDescription {
  /** The keyed hash of its reference, as records show it too. */
  readonly id: string
  /** The key that protects it. */
  readonly keyId: string
  /** What it is; `undefined` where only its length was said. */
  readonly spec: DataKeySpec | undefined
  /** How long it is. */
  readonly numberOfBytes: number
  /** The version in use. Those before it are deprecated. */
  readonly currentVersion: number
  /** When it was made. */
  readonly createdAt: Date
  /** Who made it, by principal. */
  readonly createdBy: string
  /** When it was rotated last. */
  readonly rotatedAt: Date | undefined
}

/** The fields of {@link DataKeyReference}, for schemas. */
export const dataKeyReferenceFields = { reference: name, context: context.optional() }

/** What callers are told of a row. */
export function describeDataKeyRow(row: DataKeyRow): DataKeyDescription {
  return {
    id: row.id,
    keyId: row.keyId,
    spec: row.spec ?? undefined,
    numberOfBytes: row.numberOfBytes,
    currentVersion: row.currentVersion,
    createdAt: new Date(row.createdAt),
    createdBy: row.createdBy,
    rotatedAt: row.rotatedAt === null ? undefined : new Date(row.rotatedAt),
  }
}

/** The id of the data key of a reference. */
export function dataKeyIdOf(names: NameIndex, reference: string): string {
  return names.of('data-key', reference)
}

/** What of an encryption context is stored: enough to see that it is the same again. */
export function contextHashOf(names: NameIndex, id: string, { bytes }: EncodedContext): string {
  return names.of('data-key-context', id, '\0', bytes)
}

/** The error for whoever may, of a data key or version that is not there. */
export function noDataKey(): KeyNotFoundError {
  return withReason(new KeyNotFoundError('no data key, or no version of it, is called so'), 'no such data key')
}

/** The error of a stored data key that is not what was stored. */
export function tamperedDataKey(reason: string): StorageTamperedError {
  return withReason(new StorageTamperedError('a stored data key does not open where it stands'), reason)
}
