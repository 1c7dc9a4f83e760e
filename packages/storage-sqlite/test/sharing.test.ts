import { once } from 'node:events'
import { existsSync, statSync } from 'node:fs'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { Fairness } from '../src/fairness.ts'
import { startProcess } from './process.ts'
import { checkpoint, failureOf, opened, put, scratchFolder, sizesIn, stranger } from './scratch.ts'

const { freshFile } = scratchFolder()

describe('processes that share a file', () => {
  test('two that write as fast as they can exclude each other, and neither starves', async () => {
    const file = freshFile()
    const children = await Promise.all([0, 1].map(() => startProcess('hammer.ts', file, '1500')))
    for (const child of children) child.tell('go')
    const outputs = await Promise.all(children.map((child) => child.ended))
    const counts = outputs.map(({ output }) =>
      Number((JSON.parse(output.split('\n')[1] ?? '') as { count: number }).count),
    )
    const total = counts.reduce((sum, count) => sum + count)
    // Each transaction reads the last number and writes the next: what is dense was exclusive.
    const written = stranger(file).prepare('select count(*) as rows, max(size) + 1 as next from chatelaine_checkpoints')
    expect(written.get()).toEqual({ rows: total, next: total })
    expect(Math.min(...counts) / total).toBeGreaterThan(0.15)
  })

  test('a process that is killed in the middle of a transaction leaves nothing of it', async () => {
    const file = freshFile()
    const child = await startProcess('die-within.ts', file)
    expect(statSync(`${file}-wal`).size).toBeGreaterThan(2 ** 20)
    child.kill()
    await child.ended
    expect(existsSync(`${file}-wal`)).toBe(true)
    const storage = await opened(file)
    expect(await sizesIn(storage)).toEqual([1])
    await put(storage, 2)
    expect(await sizesIn(storage)).toEqual([1, 2])
  })

  test('a second writer is announced once, a reader is not', async () => {
    const warning = vi.spyOn(process, 'emitWarning').mockReturnValue()
    onTestFinished(() => warning.mockRestore())
    const file = freshFile()
    const storage = await opened(file)
    await put(storage, 1)
    const other = stranger(file)
    other.prepare('select * from chatelaine_checkpoints').all()
    other.pragma('wal_checkpoint(passive)')
    await put(storage, 2)
    expect(warning).not.toHaveBeenCalled()
    const insert = other.prepare("insert into chatelaine_checkpoints values ('other', ?, 'note', 0)")
    for (const size of [3, 4, 5]) {
      insert.run(size)
      await put(storage, size)
    }
    expect(warning).toHaveBeenCalledTimes(1)
    expect(warning).toHaveBeenCalledWith(expect.any(String), { code: 'CHATELAINE_SQLITE_SHARED' })
  })
})

describe('waiting for the lock', () => {
  test('F93 it blocks nothing, and ends when the lock is free', async () => {
    const file = freshFile()
    const storage = await opened(file)
    const other = stranger(file)
    other.exec('begin immediate')
    const waiting = put(storage, 1)
    for (let turns = 0; turns < 100; turns++) await new Promise((resolve) => setImmediate(resolve))
    expect(await sizesIn(storage)).toEqual([])
    other.exec('commit')
    await waiting
    expect(await sizesIn(storage)).toEqual([1])
  })

  test('an abort ends it, with certainty that nothing was applied', async () => {
    const file = freshFile()
    const storage = await opened(file)
    stranger(file).exec('begin immediate')
    const controller = new AbortController()
    const waiting = storage.transact('default', (tx) => tx.insert('checkpoints', checkpoint(1)), {
      signal: controller.signal,
    })
    setImmediate(() => controller.abort())
    expect(await failureOf(waiting)).toMatchObject({ transient: true, outcome: 'none' })
  })

  test('without a signal it ends by itself', async () => {
    const file = freshFile()
    await opened(file)
    stranger(file).exec('begin immediate')
    const storage = await opened({ filename: file, lockTimeoutMs: 20 })
    expect(await failureOf(put(storage, 1))).toMatchObject({ transient: true, outcome: 'none' })
    const [quick, proceed] = [await opened({ filename: freshFile(), lockTimeoutMs: 20 }), new AbortController()]
    const hanging = quick.transact('default', () => once(proceed.signal, 'abort'))
    expect(await failureOf(put(quick, 2))).toMatchObject({ transient: true, outcome: 'none' })
    proceed.abort()
    await hanging
  })
})

describe('Fairness', () => {
  test('who has the file alone never stays away', () => {
    const fairness = new Fairness()
    for (let now = 0; now < 10_000; now++) {
      expect(fairness.gapBefore(now)).toBe(0)
      fairness.taken(now, false)
      fairness.released(now)
    }
  })

  /** Takes and releases without a break from `from` on, and says after how long it was told to stay away. */
  function heldFor(fairness: Fairness, from: number): number {
    for (let now = from; now < from + 2000; now++) {
      if (fairness.gapBefore(now) > 0) return now - from
      fairness.taken(now, false)
      fairness.released(now)
    }
    return Number.POSITIVE_INFINITY
  }

  test('who shares it stays away now and then, and less often while nobody makes use of it', () => {
    const fairness = new Fairness()
    fairness.taken(1000, true)
    fairness.released(1000)
    expect(heldFor(fairness, 1001)).toBeLessThanOrEqual(20)
    const second = heldFor(fairness, 1027)
    expect(second).toBeGreaterThan(20)
    expect(heldFor(fairness, 1027 + second + 6)).toBeGreaterThan(second)
    fairness.taken(3000, true)
    fairness.released(3000)
    expect(heldFor(fairness, 3001)).toBeLessThanOrEqual(20)
    expect(heldFor(fairness, 20_000)).toBe(Number.POSITIVE_INFINITY)
  })
})
