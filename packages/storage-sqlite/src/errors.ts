import { StorageConflict, StorageFailure, isStorageConflict, storageFailureOf } from '@chatelaine/core/storage'

/** A kind of failure: the codes that begin like this, what they mean, and whether trying again can help. */
interface Kind {
  readonly code: string
  readonly message: string
  readonly transient: boolean
}

const kinds: readonly Kind[] = [
  { code: 'SQLITE_BUSY', message: 'The database is held by another connection.', transient: true },
  { code: 'SQLITE_LOCKED', message: 'The database is held by another connection.', transient: true },
  { code: 'SQLITE_PROTOCOL', message: 'The lock of the database could not be taken.', transient: true },
  { code: 'SQLITE_FULL', message: 'There is no space left for the database.', transient: true },
  { code: 'SQLITE_IOERR', message: 'The database file could not be read or written.', transient: true },
  { code: 'SQLITE_NOMEM', message: 'There is no memory left for the database.', transient: true },
  { code: 'SQLITE_CORRUPT', message: 'The database file is damaged.', transient: false },
  { code: 'SQLITE_NOTADB', message: 'The file is not a SQLite database.', transient: false },
  { code: 'SQLITE_READONLY', message: 'The database file cannot be written to.', transient: false },
  { code: 'SQLITE_CANTOPEN', message: 'The database file cannot be opened.', transient: false },
]

const clashes: ReadonlySet<string> = new Set(['SQLITE_CONSTRAINT_PRIMARYKEY', 'SQLITE_CONSTRAINT_UNIQUE'])

/** SQLite's code for what went wrong, or an empty text where it was not SQLite. */
function codeOf(error: unknown): string {
  const code: unknown = typeof error === 'object' && error !== null ? Reflect.get(error, 'code') : undefined
  return typeof code === 'string' && code.startsWith('SQLITE_') ? code : ''
}

/** Whether an error means that another connection holds the lock. */
export function isBusy(error: unknown): boolean {
  return /^SQLITE_(?:BUSY|LOCKED|PROTOCOL)/.test(codeOf(storageFailureOf(error)?.cause ?? error))
}

/** Whether an error speaks against using the connection again, rather than against the statement or the moment. */
export function isDamage(error: unknown): boolean {
  return /^SQLITE_(?:IOERR|FULL|CORRUPT|NOTADB|NOMEM|CANTOPEN|READONLY|INTERNAL|MISUSE)/.test(codeOf(error))
}

/**
 * What the contract calls an error of the driver. SQLite's own messages name tables and columns, never values.
 *
 * @param outcome - whether the transaction was certainly not applied.
 */
export function translate(error: unknown, outcome: 'none' | 'unknown' = 'none'): StorageConflict | StorageFailure {
  if (isStorageConflict(error)) return error
  const known = storageFailureOf(error)
  if (known !== undefined) return known
  const code = codeOf(error)
  if (clashes.has(code)) return new StorageConflict('A row clashes with another one.', { cause: error })
  const kind = kinds.find((candidate) => code === candidate.code || code.startsWith(`${candidate.code}_`))
  const { message, transient } = kind ?? { message: 'The database refused a statement.', transient: false }
  return new StorageFailure(code === '' ? message : `${message} (${code})`, { transient, outcome, cause: error })
}
