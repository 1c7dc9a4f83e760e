/** What a column can hold: text, a safe integer, bytes, or nothing. */
export type Value = string | number | Uint8Array | null

/** One row: exactly its table's columns. */
export type Row = Readonly<Record<string, Value>>

/** The types of columns. `text` is well-formed Unicode without NUL, `integer` a safe integer, `bytes` up to 512 MiB. */
export type ColumnType = 'text' | 'integer' | 'bytes'

/** A column of a table. */
export interface Column {
  /** What it holds. */
  readonly type: ColumnType
  /** Whether it may be `null`. @defaultValue false */
  readonly nullable?: boolean | undefined
}

/** An index of a table. Its order is completed by the primary key, so that it is total. */
export interface Index {
  /** Unique within the table, `[a-z_]+`. */
  readonly name: string
  /** The indexed columns, in order. */
  readonly columns: readonly string[]
  /** Whether two rows may not agree on all of them (rows with a `null` among them never clash). @defaultValue false */
  readonly unique?: boolean | undefined
}

/**
 * A table that core wants kept. New tables come as new descriptors with a higher `since`; a descriptor that was
 * released never changes.
 */
export interface TableDescriptor {
  /** `[a-z_]+`, unique. SQL adapters may put a prefix before it. */
  readonly name: string
  /** Version of the schema in which it appeared, from 1. */
  readonly since: number
  /** Its columns, in order. Names are `[a-zA-Z]+`. */
  readonly columns: Readonly<Record<string, Column>>
  /** The primary key's columns, in order. None is nullable. */
  readonly primaryKey: readonly string[]
  /** Further indexes. */
  readonly indexes: readonly Index[]
}

/**
 * Which rows to read, in which order. The order's columns are the index's followed by those of the primary key that
 * it lacks, with `null` before every value; `prefix` fixes the first of them, `after` bounds the next.
 *
 * @example The second page of a tenant's keys by id
 * ```ts no-check
 * await view.range('keys', { prefix: ['default'], after: [lastId], limit: 100 })
 * ```
 */
export interface Range {
  /** Name of an index. Without it the primary key. */
  readonly index?: string | undefined
  /** Equal to these, for the first columns of the order. */
  readonly prefix: readonly Value[]
  /**
   * Strictly beyond these (greater, or less where `order` is `desc`), compared as a tuple, for the columns that
   * follow the prefix. Never contains `null`.
   */
  readonly after?: readonly Value[] | undefined
  /** Direction. @defaultValue 'asc' */
  readonly order?: 'asc' | 'desc' | undefined
  /** At most this many, 1 to 1,000. */
  readonly limit: number
}

/** The most rows that one {@link Range} may ask for. */
export const maxRangeLimit = 1000
