import { StorageFailure } from '@chatelaine/core/storage'
import { refusal } from '@chatelaine/storage-sql'
import { statSync } from 'node:fs'
import type { BigIntStats } from 'node:fs'
import { open, realpath } from 'node:fs/promises'

const checkedEveryMs = 1000
const writableByOthers = 0o002n

const codeOf = (error: unknown): unknown => (error instanceof Error ? Reflect.get(error, 'code') : undefined)

/** Creates the file, for its owner alone, unless there is one. */
async function create(path: string): Promise<void> {
  try {
    const file = await open(path, 'wx', 0o600)
    await file.close()
  } catch (error) {
    // A file that is there is never opened here: closing it would take SQLite's locks on it away from this process.
    if (codeOf(error) !== 'EEXIST') throw error
  }
}

function look(path: string): BigIntStats | undefined {
  try {
    return statSync(path, { bigint: true, throwIfNoEntry: false })
  } catch (error) {
    throw refusal(`The database file ${path} is out of reach: ${String(codeOf(error))}.`, error)
  }
}

/** A connection to the file. While none of this process is open, the log is not ours to miss. */
interface User {
  readonly isOpen: boolean
}

/** The file that a database is in, and a way to notice when another one has taken its place. */
export class DatabaseFile {
  /** Where it is, free of symbolic links. */
  readonly path: string
  readonly #opened: BigIntStats
  /** The write-ahead log, once there is one: it stays as long as anybody has the database open. */
  #log: BigIntStats | undefined
  #users: readonly User[] = []
  #checkedAt = performance.now()

  private constructor(path: string) {
    this.path = path
    this.#opened = statSync(path, { bigint: true })
  }

  /**
   * Finds the file, or creates an empty one.
   *
   * @throws `StorageFailure` when it cannot be, or has two names: SQLite would keep a write-ahead log for each.
   */
  static async at(filename: string): Promise<DatabaseFile> {
    try {
      await create(filename)
      const file = new DatabaseFile(await realpath(filename))
      file.#judge()
      return file
    } catch (error) {
      if (error instanceof StorageFailure) throw error
      const reason = codeOf(error) === 'ENOENT' ? 'its folder does not exist' : String(codeOf(error))
      throw refusal(`The database file ${filename} cannot be opened or created: ${reason}.`, error)
    }
  }

  /**
   * Opens a connection to the file.
   *
   * @throws `StorageFailure` when the path leads elsewhere by now; whatever `open` throws.
   */
  connect<T extends User>(open: (path: string) => T): T {
    this.checkNow()
    const user = open(this.path)
    this.#users = [...this.#users.filter(({ isOpen }) => isOpen), user]
    return user
  }

  /**
   * Makes sure, at most once a second, that the path still leads to the file that was opened.
   *
   * @throws `StorageFailure` when it does not: what is written would be lost.
   */
  check(): void {
    const now = performance.now()
    if (now - this.#checkedAt < checkedEveryMs) return
    this.checkNow()
    this.#checkedAt = now
  }

  /** As {@link DatabaseFile.check}, however long ago that was. */
  checkNow(): void {
    this.#expect(this.path, this.#opened)
    // Whoever closes the last connection removes the log. The next one makes another.
    if (this.#users.every(({ isOpen }) => !isOpen)) this.#log = undefined
    const log = `${this.path}-wal`
    if (this.#log === undefined) this.#log = look(log)
    else this.#expect(log, this.#log)
  }

  #expect(path: string, opened: BigIntStats): void {
    const found = look(path)
    if (found?.ino === opened.ino && found.dev === opened.dev) return
    throw refusal(`The database file ${path} was removed or replaced while it was open. Start again.`)
  }

  #judge(): void {
    const { mode, nlink } = this.#opened
    if (!this.#opened.isFile()) throw refusal(`${this.path} is not a file.`)
    if (nlink > 1n) throw refusal(`${this.path} has a second name (a hard link), under which it could be damaged.`)
    if (process.platform === 'win32' || (mode & writableByOthers) === 0n) return
    process.emitWarning(`Everybody on this machine can write to ${this.path}. Its mode should be 0600.`, {
      code: 'CHATELAINE_SQLITE_MODE',
    })
  }
}
