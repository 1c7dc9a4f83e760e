import pg from 'pg'
import type { PostgresClient, PostgresPool } from './driver.ts'
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

/** What pg's pools say as well: that a connection was made. */
interface Announcing {
  on(event: 'connect', listener: (client: PostgresClient) => void): unknown
  removeListener(event: 'connect', listener: (client: PostgresClient) => void): unknown
}

/**
 * A connection that the server ends in the same breath in which it was made is lost before whoever asked for it can
 * listen, because pg reads both messages at once. So each is listened to from its first moment, for as long as it lives.
 */
const listen = (client: PostgresClient): void => void client.on('error', ignore)

/**
 * The pool that was handed in, or one of our own. Without a listener the loss of a connection that nobody uses would
 * end the process.
 */
export function openPool(source: Source): OpenPool {
  const given = source.pool
  if (given !== undefined) {
    const announcing: Announcing = given as unknown as Announcing
    given.on('error', ignore)
    announcing.on('connect', listen)
    const end = async (): Promise<void> => {
      given.removeListener('error', ignore)
      announcing.removeListener('connect', listen)
    }
    return { pool: given, end }
  }
  const { applicationName = 'chatelaine', ...config } = source.connection
  const defaults = { max: 32, connectionTimeoutMillis: 2000, keepAlive: true, pipeline: true }
  const pool = new pg.Pool({ ...defaults, application_name: applicationName, ...config })
  pool.on('error', ignore)
  pool.on('connect', listen)
  return { pool, end: () => end(pool) }
}
