import { refusal } from '@chatelaine/storage-sql'
import path from 'node:path'

/** How {@link sqliteStorage} is set up. */
export interface SqliteStorageOptions {
  /** The database's file. It is created, readable by its owner alone, where there is none; its folder is not. */
  readonly filename: string

  /**
   * Whether tables are created and completed when the storage is opened for use. With `false` that is left to
   * somebody else, such as a deployment step, and missing tables are an error.
   *
   * @defaultValue true
   */
  readonly migrate?: boolean | undefined

  /**
   * How long, in milliseconds, a transaction that comes without a signal of its own waits for others to finish.
   *
   * @defaultValue 5000
   */
  readonly lockTimeoutMs?: number | undefined
}

/** Options with their defaults filled in. */
export interface Settings {
  /** The file's absolute path. */
  readonly filename: string
  /** Whether this storage creates and completes the tables. */
  readonly migrate: boolean
  /** How long a transaction without a signal waits for others. */
  readonly lockTimeoutMs: number
}

const longestTimer = 2 ** 31 - 1

function checkFilename(filename: unknown): void {
  if (typeof filename !== 'string' || ['', ':memory:'].includes(filename.trim())) {
    throw refusal('SQLite storage needs the name of a file. To keep everything in memory use memoryStorage().')
  }
  if (filename.includes('\0') || filename !== filename.trim()) {
    throw refusal('The name of a SQLite file can neither contain NUL nor begin or end with white space.')
  }
}

/**
 * Checks options and fills in their defaults.
 *
 * @throws `StorageFailure` when they cannot be meant.
 */
export function settingsOf(given: string | SqliteStorageOptions): Settings {
  const { filename, migrate = true, lockTimeoutMs = 5000 } = typeof given === 'string' ? { filename: given } : given
  checkFilename(filename)
  if (typeof migrate !== 'boolean') throw refusal('migrate is true or false.')
  if (!(lockTimeoutMs >= 0 && lockTimeoutMs <= longestTimer)) {
    throw refusal(`lockTimeoutMs is a number of milliseconds, 0 to ${longestTimer}.`)
  }
  return Object.freeze({ filename: path.resolve(filename), migrate, lockTimeoutMs })
}
