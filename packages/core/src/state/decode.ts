import { StorageTamperedError } from '../errors.ts'
import type { Row } from '../storage/table.ts'
import type { KeyDefaultsRow } from './lifecycle-rows.ts'
import { isPolicy } from './policy.ts'
import {
  dataKeySpecNames,
  dataKeyStateNames,
  keySpecNames,
  keyStateNames,
  keyUsageNames,
  rowsAs,
  versionStateNames,
  type DataKeyRow,
  type DataKeyVersionRow,
  type GrantRow,
  type KeyRow,
  type VersionRow,
} from './rows.ts'

/** Rows of keys. Whatever this library did not write is noticed here. @throws StorageTamperedError */
export function decodeKeys(rows: readonly Row[]): readonly KeyRow[] {
  for (const row of rows) {
    requireName(row, 'state', keyStateNames)
    requireName(row, 'spec', keySpecNames)
    requireName(row, 'usage', keyUsageNames)
    requireJson(row, 'tags', isObject)
    requireJson(row, 'policy', isPolicy)
    requireVersion(row, 'currentVersion')
    requireVersion(row, 'minDecryptVersion')
  }
  return rowsAs<KeyRow>(rows)
}

/** Rows of what new keys have. @throws StorageTamperedError */
export function decodeKeyDefaults(rows: readonly Row[]): readonly KeyDefaultsRow[] {
  for (const row of rows) requireJson(row, 'policy', isPolicy)
  return rowsAs<KeyDefaultsRow>(rows)
}

/** Rows of versions. @throws StorageTamperedError */
export function decodeVersions(rows: readonly Row[]): readonly VersionRow[] {
  for (const row of rows) {
    requireName(row, 'state', versionStateNames)
    requireVersion(row, 'version')
  }
  return rowsAs<VersionRow>(rows)
}

/** Rows of grants. @throws StorageTamperedError */
export function decodeGrants(rows: readonly Row[]): readonly GrantRow[] {
  for (const row of rows) {
    requireJson(row, 'operations', isTexts)
    requireJson(row, 'constraints', isConstraints)
  }
  return rowsAs<GrantRow>(rows)
}

/** Rows of named data keys. @throws StorageTamperedError */
export function decodeDataKeys(rows: readonly Row[]): readonly DataKeyRow[] {
  for (const row of rows) {
    if (row['spec'] !== null) requireName(row, 'spec', dataKeySpecNames)
    requireVersion(row, 'currentVersion')
  }
  return rowsAs<DataKeyRow>(rows)
}

/** Rows of versions of named data keys. @throws StorageTamperedError */
export function decodeDataKeyVersions(rows: readonly Row[]): readonly DataKeyVersionRow[] {
  for (const row of rows) {
    requireName(row, 'state', dataKeyStateNames)
    requireVersion(row, 'version')
  }
  return rowsAs<DataKeyVersionRow>(rows)
}

function requireName(row: Row, column: string, names: readonly string[]): void {
  if (!names.includes(String(row[column]))) throw notOurs(column)
}

function requireJson(row: Row, column: string, fits: (value: unknown) => boolean): void {
  if (!fits(parse(String(row[column])))) throw notOurs(column)
}

/** A number that a ciphertext can name. */
function requireVersion(row: Row, column: string): void {
  const version = row[column]
  if (typeof version !== 'number' || version < 1 || version > 0xffff_ffff) throw notOurs(column)
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((text) => typeof text === 'string')
}

function isConstraints(value: unknown): boolean {
  return (
    isObject(value) &&
    Object.values(value as object).every((pairs) => isObject(pairs) && isTexts(Object.values(pairs as object)))
  )
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function notOurs(column: string): StorageTamperedError {
  return new StorageTamperedError(`a stored row holds something in ${column} that was never written there`)
}
