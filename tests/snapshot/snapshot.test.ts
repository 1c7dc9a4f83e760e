import Database from 'better-sqlite3'
import { mkdirSync, statSync } from 'node:fs'
import path from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { scratchFolder } from '../support/sqlite-file.ts'
import { sqliteArena, type Arena } from './arena.ts'
import { race } from './race.ts'

const segments = 4
const batchesPerSegment = 100

/** Counts the frames that SQLite looks at when the log is to be moved into the database, by the database's file. */
function walkedFrames(): ReadonlyMap<string, number> {
  const walked = new Map<string, number>()
  const prepare = Reflect.get(Database.prototype, 'prepare') as (sql: string) => Database.Statement
  const spy = vi.spyOn(Database.prototype, 'prepare').mockImplementation(function (this: Database.Database, sql) {
    const statement = prepare.call(this, sql)
    if (sql !== 'pragma wal_checkpoint(passive)') return statement
    const all = statement.all.bind(statement)
    return Object.assign(statement, {
      all: (...parameters: unknown[]): unknown[] => {
        const rows = all(...parameters) as { readonly log: number }[]
        walked.set(this.name, (walked.get(this.name) ?? 0) + (rows[0]?.log ?? 0))
        return rows
      },
    })
  } as typeof Database.prototype.prepare)
  onTestFinished(() => spy.mockRestore())
  return walked
}

async function arenaIn(folder: string): Promise<Arena> {
  mkdirSync(folder)
  const arena = await sqliteArena(folder)
  onTestFinished(() => arena.close())
  return arena
}

test('a reader that stays makes no batch on a SQLite file dearer than the one before', async () => {
  const walked = walkedFrames()
  const folder = scratchFolder()
  const [free, held] = [await arenaIn(path.join(folder, 'free')), await arenaIn(path.join(folder, 'held'))]
  const fileOf = (name: string): string => path.join(folder, name, 'kms.db')
  const logOf = (name: string): number => statSync(`${fileOf(name)}-wal`).size
  const [freeLogs, heldLogs] = [[logOf('free')], [logOf('held')]]
  const onSegment = (): void => {
    freeLogs.push(logOf('free'))
    heldLogs.push(logOf('held'))
  }
  await race({ free, held }, { segments, batchesPerSegment, onSegment })
  const growth = heldLogs.slice(1).map((size, at) => size - (heldLogs[at] ?? 0))
  // The reader needs all of the log, which grows by what is written and by no more.
  expect(Math.min(...growth)).toBeGreaterThan(0)
  expect(Math.max(...growth)).toBeLessThan(1.5 * Math.min(...growth))
  expect(freeLogs.at(-1)).toBeLessThan(1.5 * (freeLogs[1] ?? 0))
  // It is looked through after each segment, not after each batch: after 1, 2, 3 and 4 parts of 4 that makes 2.5 of it.
  const frames = (heldLogs.at(-1) ?? 0) / 4096
  expect(walked.get(fileOf('held'))).toBeGreaterThan(frames)
  expect(walked.get(fileOf('held'))).toBeLessThan(3 * frames)
  // Genesis and the key's creation.
  expect(await held.heldRecords()).toBe(2)
}, 60_000)
