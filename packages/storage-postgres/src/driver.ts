import pg from 'pg'
import type { Settings } from './options.ts'
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
}

/** What a statement came to, as pg says it. */
export interface PostgresResult {
  /** Rows by column. */
  readonly rows: readonly Readonly<Record<string, unknown>>[]
  /** How many rows it returned, inserted, updated or deleted. */
  readonly rowCount: number | null
  /** The word that the server answered, such as `COMMIT`. */
  readonly command: string
}

/** What is used of a client of pg. */
export interface PostgresClient {
  /** Runs a statement; several at once are an array of results. */
  query(query: PostgresQuery): Promise<unknown>
  /** Gives it back to its pool, or closes it. */
  release(destroy?: boolean): void
  /** Listens to the loss of the connection. */
  on(event: 'error', listener: (error: Error) => void): unknown
  /** Listens no more. */
  removeListener(event: 'error', listener: (error: Error) => void): unknown
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

/** A pool, and how to be done with it. */
export interface OpenPool {
  /** The pool. */
  readonly pool: PostgresPool
  /** Ends it, where it is not somebody else's. */
  end(): Promise<void>
}

/** How long the end of connections is waited for: a server that has gone silent never says goodbye. */
const goodbyeMs = 1000

async function end(pool: pg.Pool): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const patience = new Promise<void>((resolve) => (timer = setTimeout(resolve, goodbyeMs)))
  await Promise.race([pool.end().catch(() => undefined), patience])
  clearTimeout(timer)
}

const ignore = (): void => {}

/**
 * The pool that was handed in, or one of our own. Without a listener the loss of a connection that nobody uses would
 * end the process.
 */
export function openPool({ source }: Settings): OpenPool {
  const given = source.pool
  if (given !== undefined) {
    given.on('error', ignore)
    return { pool: given, end: async () => void given.removeListener('error', ignore) }
  }
  const { applicationName = 'chatelaine', ...config } = source.connection
  const defaults = { max: 32, connectionTimeoutMillis: 2000, keepAlive: true }
  const pool = new pg.Pool({ ...defaults, application_name: applicationName, ...config })
  pool.on('error', ignore)
  return { pool, end: () => end(pool) }
}
