import type { Row, TableDescriptor, Value } from '@chatelaine/core/storage'

const text = { type: 'text' } as const
const integer = { type: 'integer' } as const
const bytes = { type: 'bytes' } as const
const maybeText = { type: 'text', nullable: true } as const

/** Tables with one of everything that a descriptor can ask for. */
export const sampleTables: readonly TableDescriptor[] = [
  { name: 'locks', since: 1, columns: { tenant: text }, primaryKey: ['tenant'], indexes: [] },
  {
    name: 'things',
    since: 1,
    columns: {
      tenant: text,
      id: text,
      place: integer,
      label: maybeText,
      weight: { type: 'integer', nullable: true },
      payload: { type: 'bytes', nullable: true },
      rev: integer,
    },
    primaryKey: ['tenant', 'id'],
    indexes: [
      { name: 'by_place', columns: ['tenant', 'place'] },
      { name: 'by_label', columns: ['tenant', 'label'], unique: true },
      { name: 'by_weight', columns: ['weight', 'label'] },
    ],
  },
  {
    name: 'blobs',
    since: 1,
    columns: { digest: bytes, serial: integer, body: bytes },
    primaryKey: ['digest', 'serial'],
    indexes: [],
  },
  {
    // Names that mean something to somebody else, and an index whose name another table has too.
    name: 'order',
    since: 1,
    columns: { tenant: text, select: text, groupBy: maybeText, rowid: integer, from: maybeText, user: maybeText },
    primaryKey: ['tenant', 'select'],
    indexes: [{ name: 'by_place', columns: ['tenant', 'groupBy', 'from'], unique: true }],
  },
]

/** What a later version of core asks for in addition. */
export const laterTable: TableDescriptor = {
  name: 'later_things',
  since: 2,
  columns: { tenant: text, id: text, note: maybeText },
  primaryKey: ['tenant', 'id'],
  indexes: [{ name: 'by_note', columns: ['tenant', 'note'] }],
}

/** A row of `things`. */
export function thing(id: string, values: Partial<Record<string, Value>> = {}): Row {
  return { tenant: 'default', id, place: 0, label: null, weight: null, payload: null, rev: 1, ...values } as Row
}

/** The ids of rows, in their order. */
export const idsOf = (rows: readonly Row[]): Value[] => rows.map((row) => row['id'] ?? null)

/** Byte columns as plain lists, so that a `Buffer` equals a `Uint8Array`. */
export function plain(row: Row | undefined): unknown {
  if (row === undefined) return undefined
  const pairs = Object.entries(row).map(([name, value]) => [name, value instanceof Uint8Array ? [...value] : value])
  return Object.fromEntries(pairs)
}

/** The bytes of a column, copied. @throws when there are none. */
export function bytesOf(row: Row | undefined, column: string): number[] {
  const value = row?.[column]
  if (!(value instanceof Uint8Array)) throw new Error(`There are no bytes in ${column}.`)
  return [...value]
}
