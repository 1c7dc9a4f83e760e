import { statSync } from 'node:fs'
import Database from 'better-sqlite3'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { Connection } from '../src/connection.ts'
import { opened, put, scratchFolder, sizesIn, stranger } from './scratch.ts'

const { freshFile } = scratchFolder()

/** Commits so many transactions, and gives how often the log was to be moved. */
async function attemptsOf(file: string, commits: number, before: () => void = () => undefined): Promise<number> {
  const storage = await opened(file)
  const attempts = vi.spyOn(Connection.prototype, 'moveLog')
  onTestFinished(() => attempts.mockRestore())
  before()
  for (let size = 0; size < commits; size++) await put(storage, size)
  expect((await sizesIn(storage)).length).toBe(Math.min(commits, 1000))
  return attempts.mock.calls.length
}

describe('the log', () => {
  test('is moved into the database every hundred commits, and does not grow', async () => {
    const file = freshFile()
    expect(await attemptsOf(file, 1000)).toBe(10)
    expect(statSync(`${file}-wal`).size).toBeLessThan(1000 * 4096)
  }, 60_000)

  test('is tried ever more rarely while a reader needs all of it, and moved when the reader is gone', async () => {
    const file = freshFile()
    const reader = new Database(file)
    onTestFinished(() => {
      reader.close()
    })
    const hold = (): void => {
      reader.exec('begin')
      reader.prepare('select count(*) from chatelaine_checkpoints').get()
    }
    // At 100, 200, 300, 400, 500, then after a quarter more each time: 625, 782, 978, 1223 and 1529.
    expect(await attemptsOf(file, 1600, hold)).toBe(10)
    expect(reader.prepare('select count(*) as rows from chatelaine_checkpoints').get()).toEqual({ rows: 0 })
    reader.exec('rollback')
    const storage = await opened(file)
    for (let size = 0; size < 100; size++) await put(storage, 2000 + size)
    // What comes next begins the log anew.
    await put(storage, 2100)
    const [{ log }] = stranger(file).pragma('wal_checkpoint(passive)') as [{ log: number }]
    expect(log).toBeLessThan(50)
  }, 60_000)
})
