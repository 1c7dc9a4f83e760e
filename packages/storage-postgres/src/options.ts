import { refusal } from '@chatelaine/storage-sql'
import type { ConnectionOptions } from 'node:tls'
import type { PostgresPool } from './driver.ts'

/** How to reach a server, as pg's own options of these names. What is left out comes from `PGHOST` and its like. */
export interface PostgresConnectionOptions {
  /** Name or address of the server, or the folder of its Unix socket. */
  readonly host?: string | undefined
  /** Its port. */
  readonly port?: number | undefined
  /** The database. */
  readonly database?: string | undefined
  /** The role. */
  readonly user?: string | undefined
  /** Its password, or a function that is asked for it at every connection. */
  readonly password?: string | (() => string | Promise<string>) | undefined
  /** Whether, and how, connections are encrypted. */
  readonly ssl?: boolean | ConnectionOptions | undefined
  /** What the server calls these connections in its lists. @defaultValue 'chatelaine' */
  readonly applicationName?: string | undefined
  /** How many connections there may be at once. Snapshots beyond that wait. @defaultValue 32 */
  readonly max?: number | undefined
  /** How long, in milliseconds, to wait for a connection. @defaultValue 2000 */
  readonly connectionTimeoutMillis?: number | undefined
}

/**
 * How {@link postgresStorage} is set up. The server is named in one of three ways: `connectionString`, `connection` or
 * `pool`.
 */
export interface PostgresStorageOptions {
  /** A URL, such as `postgresql://kms@db.example/kms`. */
  readonly connectionString?: string | undefined

  /** The same, in parts. May also complete a `connectionString`. */
  readonly connection?: PostgresConnectionOptions | undefined

  /**
   * An open pool of pg. Two of its connections are taken at opening and kept, one to write and one to read, and more
   * while they are needed: up to 24 for snapshots that run side by side, and 8 for tenants that write at once. It is
   * not ended.
   */
  readonly pool?: PostgresPool | undefined

  /**
   * The schema for the tables; it is created where there is none. Letters, digits, `_`, `-` and `$`.
   *
   * @defaultValue the first schema of the connection's search path, `public` as a rule
   */
  readonly schema?: string | undefined

  /** Comes before the names of tables. Letters, digits and `_`, up to 32. @defaultValue 'chatelaine_' */
  readonly tablePrefix?: string | undefined

  /**
   * Whether the server keeps statements prepared under names. Switch it off behind a pooler that lends a connection
   * for one transaction only, and does not look after such statements.
   *
   * @defaultValue true
   */
  readonly preparedStatements?: boolean | undefined

  /**
   * Whether tables are created and completed when the storage is opened for use. With `false` that is left to
   * somebody else, such as a deployment step, and missing tables are an error.
   *
   * @defaultValue true
   */
  readonly migrate?: boolean | undefined

  /**
   * Whether a server with `fsync=off` is good enough. What it has acknowledged can be gone after a crash, and the
   * whole database with it.
   *
   * @defaultValue false
   */
  readonly allowUnsafeDurability?: boolean | undefined

  /**
   * How long, in milliseconds, a transaction waits for others of its tenant, and a snapshot for others to end. A new
   * connection is waited for that long too, and for 2 seconds at least. A server that has not answered 5 seconds after
   * that is taken for lost.
   *
   * @defaultValue 5000
   */
  readonly lockTimeoutMs?: number | undefined
}

/** Where the server is. */
export type Source =
  | { readonly pool: PostgresPool }
  | {
      readonly pool?: undefined
      readonly connection: PostgresConnectionOptions & { readonly connectionString?: string | undefined }
    }

/** Options with their defaults filled in. */
export interface Settings {
  /** Where the server is. */
  readonly source: Source
  /** The schema, unless it is the connection's first. */
  readonly schema: string | undefined
  /** Comes before the names of tables. */
  readonly tablePrefix: string
  /** Whether the server keeps statements prepared. */
  readonly preparedStatements: boolean
  /** Whether this storage creates and completes the tables. */
  readonly migrate: boolean
  /** Whether a server that loses data is good enough. */
  readonly allowUnsafeDurability: boolean
  /** How long to wait for others. */
  readonly lockTimeoutMs: number
}

const longestTimer = 2 ** 31 - 1
const schemaName = /^(?!pg_)[A-Za-z_][A-Za-z0-9_$-]{0,62}$/
const prefix = /^[A-Za-z_][A-Za-z0-9_]{0,31}$/

function sourceOf({ connectionString, connection, pool }: PostgresStorageOptions): Source {
  if (pool !== undefined) {
    if (connectionString !== undefined || connection !== undefined) {
      throw refusal('Name the server by a pool or by how to connect to it, not by both.')
    }
    if (typeof pool.connect !== 'function') throw refusal('pool is an open pool of pg.')
    return { pool }
  }
  if (connectionString !== undefined && (typeof connectionString !== 'string' || connectionString.trim() === '')) {
    throw refusal('connectionString is a URL, such as postgresql://kms@db.example/kms.')
  }
  if (connectionString === undefined && connection === undefined) {
    throw refusal('PostgreSQL storage needs a connectionString, a connection or a pool.')
  }
  const given = Object.entries({ connectionString, ...connection }).filter(([, value]) => value !== undefined)
  return { connection: Object.freeze(Object.fromEntries(given)) }
}

function checkNames(schema: unknown, tablePrefix: unknown): void {
  const isSchema = typeof schema === 'string' && schemaName.test(schema) && schema !== 'information_schema'
  if (schema !== undefined && !isSchema) {
    throw refusal('schema is the name of a schema: letters, digits, _, - and $, not beginning with pg_.')
  }
  if (typeof tablePrefix !== 'string' || !prefix.test(tablePrefix)) {
    throw refusal('tablePrefix is 1 to 32 letters, digits and _, the first no digit.')
  }
}

/** Every one of these that is given is true or false. */
function checkSwitches(switches: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(switches)) {
    if (typeof value !== 'boolean') throw refusal(`${name} is true or false.`)
  }
}

/**
 * Checks options and fills in their defaults.
 *
 * @throws `StorageFailure` when they cannot be meant. Its message never repeats what was given.
 */
export function settingsOf(given: string | PostgresStorageOptions): Settings {
  const options = typeof given === 'string' ? { connectionString: given } : given
  const { schema, tablePrefix = 'chatelaine_', lockTimeoutMs = 5000 } = options
  const { preparedStatements = true, migrate = true, allowUnsafeDurability = false } = options
  const source = sourceOf(options)
  checkNames(schema, tablePrefix)
  checkSwitches({ preparedStatements, migrate, allowUnsafeDurability })
  if (!(lockTimeoutMs >= 0 && lockTimeoutMs <= longestTimer)) {
    throw refusal(`lockTimeoutMs is a number of milliseconds, 0 to ${longestTimer}.`)
  }
  const switches = { preparedStatements, migrate, allowUnsafeDurability }
  return Object.freeze({ source, schema, tablePrefix, lockTimeoutMs, ...switches })
}
