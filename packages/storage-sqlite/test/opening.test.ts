import { tables } from '@chatelaine/core/storage'
import Database from 'better-sqlite3'
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
  unlinkSync,
} from 'node:fs'
import path from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { loadDriver } from '../src/driver.ts'
import { sqliteStorage } from '../src/index.ts'
import type { SqliteStorageOptions } from '../src/index.ts'
import {
  checkpoint,
  failureFrom,
  failureOf,
  onPrepare,
  opened,
  put,
  scratchFolder,
  sizesIn,
  stranger,
} from './scratch.ts'

const { folder, freshFile } = scratchFolder()

describe('options', () => {
  test.each(['', '  ', ':memory:', ' :memory: '])(
    'the file name %j is refused and memoryStorage() pointed to',
    async (name) => {
      expect((await failureFrom(() => sqliteStorage(name))).message).toContain('memoryStorage()')
    },
  )

  test.each<[string, SqliteStorageOptions]>([
    ['NUL in the file name', { filename: 'a\0b' }],
    ['white space around the file name', { filename: 'a.db ' }],
    ['no file name at all', {} as SqliteStorageOptions],
    ['a timeout below zero', { filename: 'a.db', lockTimeoutMs: -1 }],
    ['a timeout that is none', { filename: 'a.db', lockTimeoutMs: Number.NaN }],
    ['migrate that is neither true nor false', { filename: 'a.db', migrate: 'no' as unknown as boolean }],
  ])('%s is refused', async (_, options) => {
    expect((await failureFrom(() => sqliteStorage(options))).transient).toBe(false)
  })

  test('a file name is never a URI', async () => {
    const name = path.join(folder, 'file:x.db?immutable=1')
    await opened(name)
    expect(existsSync(name)).toBe(true)
  })
})

describe('the driver', () => {
  test.each(['20.20.2', '18.0.0', '22.17.1'])(
    'Node.js %s is told to be too old before the driver can crash it',
    async (node) => {
      const failure = await failureOf(loadDriver(node))
      expect(failure.message).toContain(node)
      expect(failure.message).toContain('22.18')
    },
  )

  test.each(['22.18.0', '24.21.0', '26.0.0'])('Node.js %s is new enough', async (node) => {
    expect(await loadDriver(node)).toBe(Database)
  })
})

describe('connections', () => {
  test('F93 synchronous is FULL on every connection', async () => {
    const connections = new Set<Database.Database>()
    onPrepare((db, _sql, prepare) => {
      connections.add(db)
      return prepare()
    })
    const storage = await opened(freshFile())
    await put(storage, 1)
    await storage.snapshot(async () => {
      await storage.snapshot((view) => view.get('locks', ['default']))
      expect(connections.size).toBeGreaterThanOrEqual(3)
      for (const db of connections) {
        const read = (pragma: string): unknown => db.pragma(pragma, { simple: true })
        expect(read('synchronous')).toBe(2)
        expect(read('journal_mode')).toBe('wal')
        expect(read('trusted_schema')).toBe(0)
        expect(read('cell_size_check')).toBe(1)
        expect(read('secure_delete')).toBe(1)
        expect(read('temp_store')).toBe(2)
        expect(read('busy_timeout')).toBe(0)
      }
    })
  })

  test.each([
    ['synchronous', 1],
    ['journal_mode', 'delete'],
    ['trusted_schema', 1],
  ])('F93 a SQLite whose %s stays %s is refused', async (setting, value) => {
    const pragma = Reflect.get(Database.prototype, 'pragma') as (
      this: Database.Database,
      ...given: unknown[]
    ) => unknown
    const spy = vi.spyOn(Database.prototype, 'pragma')
    spy.mockImplementation(function (this: Database.Database, source, options) {
      return source === setting ? value : pragma.call(this, source, options)
    })
    onTestFinished(() => spy.mockRestore())
    const failure = await failureOf(sqliteStorage(freshFile()).open(tables))
    expect(failure).toMatchObject({ transient: false })
    expect(failure.message).toContain(setting)
  })

  test('opening writes nothing but an empty database', async () => {
    const file = freshFile()
    const storage = sqliteStorage(file)
    onTestFinished(() => storage.close())
    expect(await storage.open(tables)).toEqual({ exists: false })
    expect(stranger(file).prepare('select count(*) as n from sqlite_schema').get()).toEqual({ n: 0 })
    expect((await failureOf(put(storage, 1))).message).toContain('migrate')
  })

  test('what was written is there when the file is opened again', async () => {
    const file = freshFile()
    const first = await opened(file)
    await put(first, 1, 2)
    await first.close()
    const second = sqliteStorage(file)
    onTestFinished(() => second.close())
    expect(await second.open(tables)).toEqual({ exists: true })
    expect(await sizesIn(second)).toEqual([1, 2])
  })

  test('closing leaves one file with everything in it', async () => {
    const file = freshFile()
    const storage = await opened(file)
    await put(storage, 1)
    await Promise.all([storage.close(), storage.close()])
    expect(existsSync(`${file}-wal`)).toBe(false)
    expect(stranger(file).prepare('select size from chatelaine_checkpoints').all()).toEqual([{ size: 1 }])
  })

  test('more snapshots than there may be connections all get their turn', async () => {
    const storage = await opened(freshFile())
    const reads = Array.from({ length: 100 }, () =>
      storage.snapshot(async (view) => {
        await view.get('locks', ['default'])
        await new Promise((resolve) => setImmediate(resolve))
        return view.get('locks', ['default'])
      }),
    )
    expect(await Promise.all(reads)).toHaveLength(100)
  })
})

describe.skipIf(process.platform === 'win32')('the file', () => {
  test('F93 a new database is for its owner alone, whatever the umask', async () => {
    const umask = process.umask(0)
    onTestFinished(() => {
      process.umask(umask)
    })
    const file = freshFile()
    const storage = await opened(file)
    await put(storage, 1)
    for (const name of [file, `${file}-wal`, `${file}-shm`]) expect(statSync(name).mode & 0o777).toBe(0o600)
  })

  test('F93 a database that everybody can write to is warned of', async () => {
    const warning = vi.spyOn(process, 'emitWarning').mockReturnValue()
    onTestFinished(() => warning.mockRestore())
    const file = freshFile()
    writeFileSync(file, '')
    chmodSync(file, 0o777)
    await opened(file)
    expect(warning).toHaveBeenCalledWith(expect.stringContaining(file), { code: 'CHATELAINE_SQLITE_MODE' })
  })

  test('F93 a file with two names is refused, one behind a symbolic link is not', async () => {
    const file = freshFile()
    await (await opened(file)).close()
    const [hard, soft] = [freshFile(), freshFile()]
    symlinkSync(file, soft)
    await put(await opened(soft), 7)
    expect(existsSync(`${file}-wal`)).toBe(true)
    linkSync(file, hard)
    expect((await failureOf(sqliteStorage(hard).open(tables))).message).toContain('hard link')
  })

  test('F93 a link to nowhere, a folder and a missing folder are refused', async () => {
    const [link, directory] = [freshFile(), freshFile()]
    symlinkSync(path.join(folder, 'nowhere'), link)
    mkdirSync(directory)
    await failureOf(sqliteStorage(link).open(tables))
    expect(existsSync(path.join(folder, 'nowhere'))).toBe(false)
    expect((await failureOf(sqliteStorage(directory).open(tables))).message).toContain('not a file')
    const missing = path.join(folder, 'missing', 'a.db')
    expect((await failureOf(sqliteStorage(missing).open(tables))).message).toContain('folder does not exist')
  })

  test('F93 a file that is replaced or removed while it is open is noticed', async () => {
    const file = freshFile()
    const storage = await opened(file)
    await put(storage, 1)
    const now = performance.now()
    const clock = vi.spyOn(performance, 'now')
    onTestFinished(() => clock.mockRestore())
    renameSync(file, `${file}.away`)
    clock.mockReturnValue(now + 2000)
    const removed = await failureOf(storage.transact('default', (tx) => tx.insert('checkpoints', checkpoint(2))))
    expect(removed).toMatchObject({ transient: false, outcome: 'none' })
    expect(removed.message).toContain('removed or replaced')
    writeFileSync(file, '')
    await failureOf(sizesIn(storage))
    renameSync(`${file}.away`, file)
    expect(await sizesIn(storage)).toEqual([1])
  })

  test('F93 a write-ahead log that is removed while it is open is noticed: commits would go into nothing', async () => {
    const file = freshFile()
    const storage = await opened(file)
    const now = performance.now()
    const clock = vi.spyOn(performance, 'now')
    onTestFinished(() => clock.mockRestore())
    for (const [at, seconds] of [2, 4].entries()) {
      clock.mockReturnValue(now + seconds * 1000)
      await put(storage, at + 1)
    }
    unlinkSync(`${file}-wal`)
    clock.mockReturnValue(now + 6000)
    const removed = await failureOf(storage.transact('default', (tx) => tx.insert('checkpoints', checkpoint(3))))
    expect(removed).toMatchObject({ transient: false, outcome: 'none' })
    expect(removed.message).toContain('-wal was removed or replaced')
  })
})
