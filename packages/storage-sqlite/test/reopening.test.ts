import Database from 'better-sqlite3'
import { existsSync } from 'node:fs'
import { expect, onTestFinished, test, vi } from 'vitest'
import { failureOf, onPrepare, opened, put, scratchFolder, sizesIn } from './scratch.ts'

const { freshFile } = scratchFolder()

test('F93 a write-ahead log that is gone because all connections were closed is not missed', async () => {
  const file = freshFile()
  let isDamaged = false
  onPrepare((_db, _sql, prepare) => {
    if (isDamaged) throw new Database.SqliteError('it is said to have failed', 'SQLITE_IOERR_READ')
    return prepare()
  })
  const storage = await opened(file)
  const now = performance.now()
  const clock = vi.spyOn(performance, 'now')
  onTestFinished(() => clock.mockRestore())
  for (const [at, seconds] of [2, 4].entries()) {
    clock.mockReturnValue(now + seconds * 1000)
    await put(storage, at + 1)
  }
  isDamaged = true
  await failureOf(storage.snapshot((view) => view.get('locks', ['default'])))
  await failureOf(storage.transact('default', (tx) => tx.insert('locks', { tenant: 'default' })))
  isDamaged = false
  expect(existsSync(`${file}-wal`), 'whoever closes the last connection removes the log').toBe(false)
  clock.mockReturnValue(now + 6000)
  await put(storage, 3)
  clock.mockReturnValue(now + 8000)
  expect(await sizesIn(storage)).toEqual([1, 2, 3])
})
