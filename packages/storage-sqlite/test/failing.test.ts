import type { StorageAdapter, StorageTransaction } from '@chatelaine/core/storage'
import Database from 'better-sqlite3'
import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import {
  checkpoint,
  clashes,
  failureOf,
  onPrepare,
  opened,
  put,
  scratchFolder,
  sizesIn,
  statementThat,
} from './scratch.ts'

const { freshFile } = scratchFolder()

/** Puts something else in the place of the statements with this text. */
function replaceStatement(text: string, run: (db: Database.Database) => void): void {
  onPrepare((db, sql, prepare) => (sql === text ? statementThat(() => run(db)) : prepare()))
}

const sqliteError = (code: string): Error => new Database.SqliteError('it is said to have failed', code)

describe('a commit that fails', () => {
  test('was certainly not applied where the transaction could still be rolled back', async () => {
    let attempts = 0
    replaceStatement('commit', (db) => {
      if (attempts++ === 1) throw sqliteError('SQLITE_BUSY')
      db.exec('commit')
    })
    const storage = await opened(freshFile())
    expect(await failureOf(put(storage, 1))).toMatchObject({ transient: true, outcome: 'none' })
    await put(storage, 2)
    expect(await sizesIn(storage)).toEqual([2])
  })

  test.each([
    ['applied', 'commit', [1, 2]],
    ['lost', 'rollback', [2]],
  ])('may have been applied where SQLite has ended the transaction, be it %s', async (_, truth, sizes) => {
    let attempts = 0
    const connections = new Set<Database.Database>()
    replaceStatement('commit', (db) => {
      connections.add(db)
      if (attempts++ !== 1) return db.exec('commit')
      db.exec(truth)
      throw sqliteError('SQLITE_IOERR_FSYNC')
    })
    const storage = await opened(freshFile())
    expect(await failureOf(put(storage, 1))).toMatchObject({ transient: true, outcome: 'unknown' })
    expect(connections.size).toBe(1)
    await put(storage, 2)
    expect(connections.size, 'the next transaction has a connection of its own').toBe(2)
    expect(await sizesIn(storage)).toEqual(sizes)
  })
})

describe('a disk that is full', () => {
  async function almostFull(): Promise<StorageAdapter> {
    onPrepare((db, sql, prepare) => {
      if (sql.startsWith('insert') && sql.includes('checkpoints')) {
        db.pragma(`max_page_count = ${Number(db.pragma('page_count', { simple: true })) + 20}`)
      }
      return prepare()
    })
    return opened(freshFile())
  }

  test('ends the transaction, and what comes after the failure runs in none', async () => {
    const storage = await almostFull()
    await put(storage, 1)
    const failures: unknown[] = []
    const write = async (tx: StorageTransaction): Promise<void> => {
      await tx.insert('checkpoints', checkpoint(2))
      for (const size of [3, 4, 5]) {
        failures.push(
          await failureOf(tx.savepoint(() => tx.insert('checkpoints', checkpoint(size, 'x'.repeat(500_000))))),
        )
      }
    }
    const outcome = await storage.transact('default', write).then(
      () => 'committed',
      (error: unknown) => error,
    )
    for (const failure of failures) expect(failure).toMatchObject({ transient: true, outcome: 'none' })
    // SQLite chooses whether the statement or the transaction is undone: what must not be is a part of it.
    expect(await sizesIn(storage)).toEqual(outcome === 'committed' ? [1, 2] : [1])
  })

  test('a transaction that SQLite has rolled back by itself accepts no more writes and is not committed', async () => {
    const storage = await opened(freshFile())
    await put(storage, 1)
    let broken = false
    onPrepare((db, sql, prepare) => {
      if (!sql.startsWith('delete') || broken) return prepare()
      broken = true
      return statementThat(() => {
        db.exec('rollback')
        throw sqliteError('SQLITE_FULL')
      })
    })
    const failed = storage.transact('default', async (tx) => {
      await tx.insert('checkpoints', checkpoint(2))
      await failureOf(tx.remove('checkpoints', ['default', 1]))
      await failureOf(tx.insert('checkpoints', checkpoint(3)))
      await failureOf(tx.savepoint(async () => undefined))
    })
    expect(await failureOf(failed)).toMatchObject({ transient: true, outcome: 'none' })
    expect(await sizesIn(storage)).toEqual([1])
    await put(storage, 4)
    expect(await sizesIn(storage)).toEqual([1, 4])
  })
})

describe('a savepoint that cannot be undone', () => {
  test('takes the whole transaction with it', async () => {
    onPrepare((_db, sql, prepare) =>
      sql.startsWith('rollback to')
        ? statementThat(() => {
            throw sqliteError('SQLITE_ERROR')
          })
        : prepare(),
    )
    const storage = await opened(freshFile())
    const written = storage.transact('default', async (tx) => {
      const step = tx.savepoint(async () => {
        await tx.insert('checkpoints', checkpoint(1))
        throw new Error('changed my mind')
      })
      await step.catch(() => undefined)
    })
    expect(await failureOf(written)).toMatchObject({ transient: false, outcome: 'none' })
    expect(await sizesIn(storage)).toEqual([])
  })
})

describe('another connection that recovers the log', () => {
  test('is waited for by snapshots', async () => {
    const file = freshFile()
    await put(await opened(file), 1)
    let busy = 3
    onPrepare((_db, sql, prepare) => {
      const statement = prepare()
      if (sql !== 'pragma schema_version') return statement
      const all = (): unknown[] => {
        if (busy-- > 0) throw sqliteError('SQLITE_BUSY_RECOVERY')
        return statement.all()
      }
      return { reader: true, all } as unknown as Database.Statement
    })
    expect(await sizesIn(await opened(file))).toEqual([1])
    expect(busy).toBeLessThan(0)
  })
})

describe('what errors say', () => {
  const canary = 'canary-4711'

  test('no error contains a value of a row', async () => {
    const storage = await opened(freshFile())
    const row = checkpoint(1, canary)
    await storage.transact('default', (tx) => tx.insert('checkpoints', { ...row, tenant: canary }))
    const mistakes: ((tx: StorageTransaction) => Promise<unknown>)[] = [
      (tx) => tx.insert('checkpoints', { ...row, tenant: canary }),
      (tx) => tx.insert('checkpoints', { ...row, size: canary }),
      (tx) => tx.insert('checkpoints', { ...row, note: `${canary}\0` }),
      (tx) => tx.remove('checkpoints', [canary, 9]),
      (tx) => tx.get('checkpoints', [canary, canary]),
      (tx) => tx.range('checkpoints', { prefix: [canary, canary], limit: 1 }),
    ]
    for (const mistake of mistakes) {
      const error: unknown = await storage.transact('default', mistake).catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(Error)
      expect(inspect(error, { depth: 10, showHidden: true })).not.toContain(canary)
    }
  })

  test('a clash names the kind of thing that happened, and is no failure', async () => {
    const storage = await opened(freshFile())
    await put(storage, 1)
    expect(await clashes(put(storage, 1))).toBe(true)
  })
})
