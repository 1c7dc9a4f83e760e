import { sha256Of } from '../../crypto/hash.ts'
import { toBase64url } from '../../internal/base64url.ts'
import { integer, jcs } from '../../internal/jcs.ts'
import type { Row, Value } from '../../storage/table.ts'
import { tables } from '../../storage/tables.ts'

/** How many versions of one key share a bucket: no bucket grows with the age of a key. */
export const versionsTogether = 64

/** Tables with a row for each version of something, from 1 on and for ever: there are no gaps. */
export const denseTables: ReadonlySet<string> = new Set(['versions', 'data_key_versions'])

/**
 * The columns of the primary keys of the state's tables, without the tenant. What has a `rev` is of the state, the tree
 * itself apart: all other tables are the log's, or go along with it.
 */
const keyColumns = new Map(
  tables
    .filter(({ name, columns }) => columns['rev'] !== undefined && name !== 'state_tree')
    .map(({ name, primaryKey }) => [name, primaryKey.slice(1)]),
)

/** What rows that are looked up together have in common. */
export type Lookup = readonly (string | number)[]

type Beginning = readonly (Value | undefined)[]

const ofHouse = (): Lookup => ['house']

const withVersions =
  (kind: string) =>
  ([id, version]: Beginning): Lookup | undefined => {
    if (typeof id !== 'string' || typeof version !== 'number') return undefined
    const group = Math.floor(version / versionsTogether)
    return group === 0 ? [kind, id] : [kind, id, group]
  }

const byId =
  (kind: string) =>
  ([id]: Beginning): Lookup | undefined =>
    typeof id === 'string' ? [kind, id] : undefined

/** A principal's grants on one key share a bucket; those on all keys share the principal's own. */
const ofGrant = ([principal, keyId]: Beginning): Lookup | undefined => {
  if (typeof principal !== 'string' || typeof keyId !== 'string') return undefined
  return keyId === '*' ? ['principal', principal] : ['principal', principal, keyId]
}

/** The lookups of the tables whose rows share their buckets with others. Every other table's is its whole key. */
const lookups: Readonly<Record<string, (key: Beginning) => Lookup | undefined>> = {
  keyring: ofHouse,
  keyring_wraps: ofHouse,
  keyring_epochs: ofHouse,
  secrets: ofHouse,
  keys: byId('key'),
  key_labels: byId('key'),
  versions: withVersions('key'),
  imports: withVersions('key'),
  due: withVersions('key'),
  message_counts: withVersions('key'),
  principals: byId('principal'),
  grants: ofGrant,
  quotas: byId('quota'),
  data_keys: byId('dataKey'),
  data_key_versions: withVersions('dataKey'),
}

/** The tables whose rows are in the tree. */
export const stateTables: readonly string[] = [...keyColumns.keys()]

/** Whether the rows of a table are in the tree. */
export function isOfState(table: string): boolean {
  return keyColumns.has(table)
}

/** The primary key of a row of the state, without the tenant. */
export function keyOf(table: string, row: object): (string | number)[] {
  return (keyColumns.get(table) ?? []).map((column) => Reflect.get(row, column) as string | number)
}

/** Under what the rows with this primary key, or this beginning of one, are looked up; `undefined` where that is open. */
export function lookupOf(table: string, key: Beginning): Lookup | undefined {
  if (Object.hasOwn(lookups, table)) return lookups[table]?.(key)
  const isWhole = key.length === keyColumns.get(table)?.length
  return isWhole ? [table, ...(key as readonly (string | number)[])] : undefined
}

/** The bucket of a lookup, 0 to 2^20 - 1: the first 20 bits of SHA-256 over its JCS. */
export function bucketOf(lookup: Lookup): number {
  const text = jcs(lookup)
  if (text !== last.text) last = { text, bucket: Number.parseInt(sha256Of(text, 'hex').slice(0, 5), 16) }
  return last.bucket
}

/** The lookup before: rows that are read or written together mostly share theirs. */
let last = { text: '', bucket: 0 }

/** A column whose value is hashed, with what it last was: most rows share most of theirs with the row before. */
interface HashedColumn {
  /** Its place in a row whose columns are in order. */
  readonly at: number
  readonly name: string
  last: { readonly value: Value; readonly member: string }
}

/** Of each table, its columns as a row mostly has them, and as JCS orders those that are hashed. */
const columnsOf = new Map(
  tables.map(({ name, columns }) => {
    const inOrder = Object.keys(columns)
    const hashed = inOrder
      .filter((column) => isHashed(name, column))
      .toSorted()
      .map((column): HashedColumn => {
        return { name: column, at: inOrder.indexOf(column), last: { value: null, member: memberOf(column, null) } }
      })
    return [name, { inOrder, hashed }] as const
  }),
)

/**
 * SHA-256 over the JCS of a row, in which bytes are base64url, in base64url. A wrapped keyring key is left out: it proves
 * itself, for the root key opens no other, and what it opens authenticates the head. So a root key may wrap with
 * randomness of its own, and wrap again.
 *
 * @throws TypeError for what is no row.
 */
export function rowHash(table: string, row: Row): string {
  const columns = columnsOf.get(table)
  const values = columns === undefined ? undefined : valuesInOrder(columns.inOrder, row)
  let members = ''
  if (columns !== undefined && values !== undefined) {
    for (const column of columns.hashed) members += usual(column, values[column.at] as Value)
  } else {
    const names = Object.keys(row).filter((column) => isHashed(table, column))
    for (const name of names.toSorted()) members += memberOf(name, row[name] as Value)
  }
  return sha256Of(`{${members.slice(1)}}`, 'base64url')
}

/** The values of a row that has exactly these columns, mostly in this order; `undefined` of any other. */
function valuesInOrder(names: readonly string[], row: Row): Value[] | undefined {
  const own = Object.keys(row)
  if (own.length !== names.length) return undefined
  if (own.every((name, at) => name === names[at])) return Object.values(row)
  return names.every((name) => Object.hasOwn(row, name)) ? names.map((name) => row[name] as Value) : undefined
}

function usual(column: HashedColumn, value: Value): string {
  if (value === column.last.value) return column.last.member
  const member = memberOf(column.name, value)
  if (value === null || typeof value !== 'object') column.last = { value, member }
  return member
}

/** A member of the JCS of a row, with a comma before it. */
function memberOf(name: string, value: Value): string {
  return `,${jcs(name)}:${jsonOf(value)}`
}

function isHashed(table: string, column: string): boolean {
  return table !== 'keyring' || column !== 'wrapped'
}

/** Bytes are base64url, which nothing in it has to be escaped for. */
function jsonOf(value: Value): string {
  return value instanceof Uint8Array ? `"${toBase64url(value)}"` : jcs(value, integer)
}
