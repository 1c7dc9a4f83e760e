import { isStorageConflict, storageFailureOf, tables } from '@chatelaine/core/storage'
import type { Row, StorageAdapter, StorageFailure, TableDescriptor } from '@chatelaine/core/storage'
import Database from 'better-sqlite3'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, onTestFinished, vi } from 'vitest'
import type { MockInstance } from 'vitest'
import { sqliteStorage } from '../src/index.ts'
import type { SqliteStorageOptions } from '../src/index.ts'

/** A folder of the test file's own, gone when it ends, and names of files in it that nobody used before. */
export function scratchFolder(): { readonly folder: string; readonly freshFile: () => string } {
  const folder = mkdtempSync(path.join(tmpdir(), 'chatelaine-sqlite-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  let files = 0
  return { folder, freshFile: () => path.join(folder, `${files++}.db`) }
}

/** Opens and migrates a storage, which is closed when the test ends. */
export async function opened(
  options: string | SqliteStorageOptions,
  descriptors: readonly TableDescriptor[] = tables,
): Promise<StorageAdapter> {
  const storage = sqliteStorage(options)
  onTestFinished(() => storage.close())
  await storage.open(descriptors)
  await storage.migrate()
  return storage
}

/** A connection of somebody else's to a file, closed when the test ends. */
export function stranger(filename: string): Database.Database {
  const db = new Database(filename, { timeout: 0 })
  onTestFinished(() => {
    db.close()
  })
  return db
}

/** A row of `checkpoints`. */
export function checkpoint(size: number, note: string = `note ${size}`): Row {
  return { tenant: 'default', size, note, createdAt: 1 }
}

/** The sizes of all checkpoints that there are. */
export async function sizesIn(storage: StorageAdapter): Promise<unknown[]> {
  const rows = await storage.snapshot((view) => view.range('checkpoints', { prefix: ['default'], limit: 1000 }))
  return rows.map((row) => row['size'])
}

/** Inserts checkpoints of these sizes in one transaction. */
export function put(storage: StorageAdapter, ...sizes: readonly number[]): Promise<void> {
  return storage.transact('default', (tx) =>
    tx.append(
      'checkpoints',
      sizes.map((size) => checkpoint(size)),
    ),
  )
}

/** The failure that a promise was rejected with. */
export async function failureOf(promise: Promise<unknown>): Promise<StorageFailure> {
  try {
    await promise
  } catch (error) {
    const failure = storageFailureOf(error)
    if (failure !== undefined) return failure
    throw new Error('It was expected to fail with a StorageFailure.', { cause: error })
  }
  throw new Error('It was expected to fail.')
}

/** The failure that a function throws at once. */
export function failureFrom(call: () => unknown): Promise<StorageFailure> {
  return failureOf((async () => call())())
}

/** Whether a promise was rejected with a clash. */
export async function clashes(promise: Promise<unknown>): Promise<boolean> {
  return promise.then(
    () => false,
    (error: unknown) => isStorageConflict(error),
  )
}

type Prepare = (this: Database.Database, sql: string) => Database.Statement

/** Sees every statement before it is prepared, until the test ends, and may put another in its place. */
export function onPrepare(
  see: (db: Database.Database, sql: string, prepare: () => Database.Statement) => Database.Statement,
): MockInstance {
  const original = Reflect.get(Database.prototype, 'prepare') as Prepare
  const spy = vi.spyOn(Database.prototype, 'prepare')
  spy.mockImplementation(function (this: Database.Database, sql) {
    return see(this, sql, () => original.call(this, sql))
  } as typeof Database.prototype.prepare)
  onTestFinished(() => spy.mockRestore())
  return spy
}

/** A statement that does nothing but call this. */
export function statementThat(run: () => void): Database.Statement {
  return { reader: false, run } as unknown as Database.Statement
}
