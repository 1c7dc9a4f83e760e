import pg from 'pg'
import type { PostgresPool } from './driver.ts'
import type { Source } from './options.ts'

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
export function openPool(source: Source): OpenPool {
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
