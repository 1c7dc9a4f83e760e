import type { ValueTypes } from './values.ts'

/** A statement as pg takes it. */
export interface PostgresQuery {
  /** Its text; without values several statements, separated by semicolons. */
  readonly text: string
  /** Values for its placeholders. */
  readonly values?: unknown[]
  /** The name under which the server keeps it prepared. */
  readonly name?: string
  /** How values are read. */
  readonly types?: ValueTypes
  /** Rows as lists of values, which pg makes in half the time. */
  readonly rowMode?: 'array'
}

/** What a statement came to, as pg says it. */
export interface PostgresResult {
  /** Rows by column, or as lists where those were asked for. */
  readonly rows: readonly Readonly<Record<string, unknown>>[]
  /** How many rows it returned, inserted, updated or deleted. */
  readonly rowCount: number | null
  /** The word that the server answered, such as `COMMIT`. */
  readonly command: string
}

/** What the server says beside its answer. */
export interface PostgresNotice {
  /** Its code: `00…` for what is merely told, anything else for a warning. */
  readonly code?: string | undefined
  /** In which function it was raised, where it was in one. */
  readonly where?: string | undefined
}

/** What is used of a client of pg. */
export interface PostgresClient {
  /** Whether it sends statements before those before them are answered. */
  readonly pipeline?: boolean
  /** Runs a statement; several at once are an array of results. */
  query(query: PostgresQuery): Promise<unknown>
  /** Gives it back to its pool, or closes it. */
  release(destroy?: boolean): void
  /** Listens to the loss of the connection. */
  on(event: 'error', listener: (error: Error) => void): unknown
  /** Listens to what the server says beside its answers. */
  on(event: 'notice', listener: (notice: PostgresNotice) => void): unknown
  /** Listens no more. */
  removeListener(event: 'error', listener: (error: Error) => void): unknown
  /** Listens no more. */
  removeListener(event: 'notice', listener: (notice: PostgresNotice) => void): unknown
}

/** What is used of a pool of pg. Any `pg.Pool` is one. */
export interface PostgresPool {
  /** Lends a client. */
  connect(): Promise<PostgresClient>
  /** Listens to the loss of connections that nobody uses. */
  on(event: 'error', listener: (error: Error) => void): unknown
  /** Listens no more. */
  removeListener(event: 'error', listener: (error: Error) => void): unknown
}
