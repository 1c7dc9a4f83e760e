import { StorageConflict, StorageFailure, isStorageConflict, storageFailureOf } from '@chatelaine/core/storage'
import type { PostgresNotice } from './driver.ts'

/** A kind of failure: the codes that begin like this, what they mean, and whether trying again can help. */
interface Kind {
  readonly code: string
  readonly message: string
  readonly transient: boolean
  /** Whether what the server says of it can hold nothing but names. */
  readonly isQuotable?: boolean
}

/** The first that fits counts. */
const kinds: readonly Kind[] = [
  { code: '40', message: 'The database asks to try the transaction again.', transient: true },
  { code: '55P03', message: 'The lock was not to be had in time.', transient: true },
  { code: '57014', message: 'The statement was cancelled.', transient: true },
  { code: '57', message: 'The database is stopping or starting.', transient: true, isQuotable: true },
  { code: '08', message: 'The connection to the database was lost.', transient: true },
  { code: '53', message: 'The database has no room left.', transient: true, isQuotable: true },
  { code: '58', message: 'The database could not use its files.', transient: true },
  {
    code: '25006',
    message: 'The database cannot be written to: it is a standby, or set to be read-only.',
    transient: true,
  },
  { code: '25P02', message: 'An earlier statement of this transaction has failed.', transient: false },
  { code: '25P', message: 'The transaction took too long.', transient: true },
  { code: '26', message: 'The server has lost its prepared statements: see preparedStatements.', transient: true },
  { code: '42P05', message: 'The server mixes up prepared statements: see preparedStatements.', transient: true },
  { code: '42501', message: 'The role lacks a privilege.', transient: false, isQuotable: true },
  { code: '42P01', message: 'A table is missing.', transient: false, isQuotable: true },
  { code: '3F', message: 'The schema is missing.', transient: false, isQuotable: true },
  { code: '3D', message: 'The database is missing.', transient: false, isQuotable: true },
  { code: '28', message: 'The database refused the login.', transient: false, isQuotable: true },
  { code: 'XX', message: 'The database is damaged, or has a mistake of its own.', transient: false },
]

const staleplan: Kind = { code: '0A000', message: 'The tables were changed while they were in use.', transient: true }
const lost: Kind = { code: '', message: 'The connection to the database was lost.', transient: true }
const other: Kind = { code: '', message: 'The database refused a statement.', transient: false }
const sqlState = /^[0-9A-Z]{5}$/
const networkCode = /^(?:E[A-Z]+|ERR_[A-Z_]+)$/
const silence = /terminated|not queryable|timeout expired|timeout exceeded|read timeout|was closed/

const textOf = (error: unknown, field: string): string => {
  const value: unknown = typeof error === 'object' && error !== null ? Reflect.get(error, field) : undefined
  return typeof value === 'string' ? value : ''
}

/** The server's code for what went wrong, or an empty text where it was not the server. */
export function sqlStateOf(error: unknown): string {
  const code = textOf(error, 'code')
  return sqlState.test(code) && textOf(error, 'severity') !== '' ? code : ''
}

/** Codes that never end a session. The word for the severity is in the server's own language. */
const survivable = /^(?:22|23|40|42|P0|55P03|57014)/

/** Whether the server answered and goes on: nothing of the statement, or of the commit, was applied. */
export function isRefusalOfServer(error: unknown): boolean {
  const code = sqlStateOf(error)
  return code !== '' && (textOf(error, 'severity') === 'ERROR' || survivable.test(code))
}

/**
 * Whether an error speaks against using the connection again. Statements that the server has forgotten, or planned for
 * other tables, are prepared anew on the next one.
 */
export function isDamage(error: unknown): boolean {
  const code = sqlStateOf(error)
  return !isRefusalOfServer(error) || /^(?:26|42P05|0A000|57P|XX)/.test(code)
}

/** Whether a unique index or the primary key stood against a statement. */
export function isClash(error: unknown): boolean {
  return sqlStateOf(error) === '23505'
}

function kindOf(error: unknown): Kind {
  const code = sqlStateOf(error)
  if (code === '0A000' && textOf(error, 'routine') === 'RevalidateCachedQuery') return staleplan
  if (code !== '') return kinds.find((kind) => code.startsWith(kind.code)) ?? other
  const message = error instanceof Error ? error.message : ''
  return networkCode.test(textOf(error, 'code')) || silence.test(message) ? lost : other
}

/**
 * What may be told of an error of the driver. Its own message, detail and context can hold values of rows, those of a
 * failed connection the way to the server; names and codes are all that is kept.
 */
function tellable(error: unknown, { isQuotable }: Kind): Error {
  const code = sqlStateOf(error)
  if (code === '') return new Error(`pg: ${textOf(error, 'code') || textOf(error, 'name') || 'no connection'}`)
  const said = isQuotable === true ? `: ${textOf(error, 'message')}` : ''
  const told = new Error(`PostgreSQL ${code}${said}`)
  const names = ['severity', 'schema', 'table', 'column', 'constraint', 'routine']
  const fields = names.map((name) => [name, textOf(error, name)] as const).filter(([, text]) => text !== '')
  return Object.assign(told, { code, ...Object.fromEntries(fields) })
}

/**
 * What the contract calls an error of the driver.
 *
 * @param outcome - whether the transaction was certainly not applied.
 */
export function translate(error: unknown, outcome: 'none' | 'unknown' = 'none'): StorageConflict | StorageFailure {
  if (isStorageConflict(error)) return error
  const known = storageFailureOf(error)
  if (known !== undefined) return known
  const kind = kindOf(error)
  const cause = tellable(error, kind)
  if (isClash(error)) return new StorageConflict('A row clashes with another one.', { cause })
  const code = sqlStateOf(error)
  const message = code === '' ? kind.message : `${kind.message} (${code})`
  return new StorageFailure(message, { transient: kind.transient, outcome, cause })
}

/** What every later use of a connection fails with after this error. */
export function lossOf(error: unknown): StorageFailure {
  return storageFailureOf(translate(error)) ?? new StorageFailure(lost.message, { transient: true, outcome: 'none' })
}

/** Whether this casts doubt on a commit. Functions of the host's warn of what statements do, those before it among them. */
export function isDoubtful({ code = '', where }: PostgresNotice): boolean {
  return !code.startsWith('00') && where === undefined
}

/** What a commit fails with that was answered with a warning: it may not be where it should be by now. */
export function doubtOf(code: string): StorageFailure {
  const cause = new Error(`PostgreSQL ${code}`)
  const message = `The database warns that the transaction may not be safe (${code}).`
  return new StorageFailure(message, { transient: true, outcome: 'unknown', cause })
}

/**
 * Knows what a transaction failed by. Of everything that was asked for in one go with that, the server says only that
 * something has failed before, which would hide whether trying again can help.
 */
export class Blame {
  #root: StorageFailure | undefined

  /** What is to be thrown for this error. A clash stays the one statement's that met it. */
  of(error: StorageConflict | StorageFailure): StorageConflict | StorageFailure {
    if (sqlStateOf(error.cause) === '25P02') return this.#root ?? error
    this.#root = storageFailureOf(error)
    return error
  }
}
