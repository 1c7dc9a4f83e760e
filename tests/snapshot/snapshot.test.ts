import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { scratchFolder } from '../support/sqlite-file.ts'
import { sqliteArena } from './arena.ts'
import { mean, race } from './race.ts'

test('a SQLite file is written beside a reader that stays, which sees what it saw at first', async () => {
  const folder = scratchFolder()
  const [free, held] = await Promise.all(
    ['free', 'held'].map(async (name) => {
      mkdirSync(path.join(folder, name))
      return sqliteArena(path.join(folder, name))
    }) as [ReturnType<typeof sqliteArena>, ReturnType<typeof sqliteArena>],
  )
  onTestFinished(async () => {
    await free.close()
    await held.close()
  })
  const segments: number[] = []
  const onSegment = (): void => void segments.push(segments.length)
  const times = await race({ free, held }, { segments: 3, batchesPerSegment: 50, onSegment })
  expect(segments).toEqual([0, 1, 2])
  expect([times.free.length, times.held.length]).toEqual([3, 3])
  expect(mean([1, 2, 6])).toBe(3)
  // Genesis and the key's creation.
  expect(await held.heldRecords()).toBe(2)
}, 60_000)
