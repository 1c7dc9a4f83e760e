import type { Schema } from '@chatelaine/storage-sql'
import { kyselyFor } from '@chatelaine/storage-sql'
import { sql } from 'kysely'

/**
 * What every transaction sets for itself, so that neither the settings of a role or a host nor a pooler that changes
 * connections can decide otherwise: operators are the server's own, text is UTF-8, bytes are written in hex. A warning
 * is always sent: that of a commit which is not where it should be is all that is ever said of it.
 */
const common = {
  search_path: 'pg_catalog',
  client_encoding: 'UTF8',
  bytea_output: 'hex',
  client_min_messages: 'warning',
}

const setting = (values: Readonly<Record<string, string | number>>): string =>
  Object.entries(values)
    .map(([name, value]) => `set local ${name} = '${value}'`)
    .join('; ')

/** How long a process that has stopped in the middle of a transaction may keep its lock. */
const idleMs = 10_000

/** How long a migration waits, at least, for the same migration in another process. */
const migrationMs = 60_000

/** One state for all reads, the newest that there is. It is that of the first query, so there is one at once. */
export const beginSnapshot = `begin isolation level repeatable read read only; ${setting(common)}; select null`

/** The host's default for isolation, durability and whether anything may be written may be another. */
function beginWriting(lockTimeoutMs: number): string {
  const settings = setting({
    ...common,
    synchronous_commit: 'on',
    lock_timeout: Math.max(1, Math.ceil(lockTimeoutMs)),
    idle_in_transaction_session_timeout: idleMs,
  })
  return `begin isolation level read committed read write; ${settings}`
}

/** Texts are written in hex, in which nothing has to be escaped and nothing can be. */
const hexOf = (text: string): string => Buffer.from(text, 'utf8').toString('hex')

/** How transactions begin that write. Everything goes to the server in one message. */
export class Beginnings {
  readonly #begin: string
  readonly #lock: readonly string[]
  readonly #migration: string

  constructor(schema: Schema, lockTimeoutMs: number) {
    this.#begin = beginWriting(lockTimeoutMs)
    const marker = '$'
    const lock = kyselyFor(schema.dialect)
      .selectFrom(schema.nameOf('locks'))
      .select('tenant')
      .where('tenant', '=', sql.raw(`convert_from(decode('${marker}', 'hex'), 'UTF8')`))
      .forUpdate()
    this.#lock = lock.compile().sql.split(`'${marker}'`)
    // Tables of other prefixes are others; the schema, which the first of them creates, is the same.
    const name = hexOf(String(schema.dialect.schema))
    const begin = beginWriting(Math.max(lockTimeoutMs, migrationMs))
    this.#migration = `${begin}; select pg_advisory_xact_lock(hashtextextended('chatelaine ${name}', 0))`
  }

  /** A transaction that excludes all others of its tenant. The lock row is locked, and never changed. */
  exclusive(tenant: string): string {
    return `${this.#begin}; ${this.#lock.join(`'${hexOf(tenant)}'`)}`
  }

  /** A transaction that excludes all other migrations in this schema. */
  get migration(): string {
    return this.#migration
  }
}
