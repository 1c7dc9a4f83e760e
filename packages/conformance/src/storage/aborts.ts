import { storageFailureOf } from '@chatelaine/core/storage'
import type { StorageTransaction } from '@chatelaine/core/storage'
import { expect } from 'vitest'
import type { Bench, Section } from './bench.ts'
import { expectAbandoned, failureOf, signalled } from './expectations.ts'
import { thing } from './sample.ts'

const never = new Promise<never>(() => {})

/** Gives up a transaction this many ticks before its commit, and answers what came of it. */
async function abortedAfter(bench: Bench, ticks: number): Promise<unknown> {
  const controller = new AbortController()
  const abortLater = async (): Promise<void> => {
    for (let tick = 0; tick < ticks; tick++) await Promise.resolve()
    controller.abort()
  }
  const write = async (tx: StorageTransaction): Promise<string> => {
    await tx.insert('things', thing('a'))
    void abortLater()
    return 'committed'
  }
  return bench.storage
    .transact('default', write, { signal: controller.signal })
    .catch((error: unknown) => storageFailureOf(error)?.outcome)
}

const ticking: Section = Object.fromEntries(
  [0, 1, 2, 3, 4, 5, 6].map((ticks) => [
    `an abort ${ticks} ticks before the commit undoes all or nothing, and says which`,
    async (bench: Bench) => {
      const outcome = await abortedAfter(bench, ticks)
      expect(['committed', 'none', 'unknown']).toContain(outcome)
      const isThere = (await bench.get('a')) !== undefined
      if (outcome !== 'unknown') expect(isThere).toBe(outcome === 'committed')
    },
  ]),
)

const insist = async (tx: StorageTransaction, writer: number): Promise<void> => {
  for (let tick = 0; tick < writer; tick++) await Promise.resolve()
  for (let at = 0; at < 20; at++) await tx.insert('things', thing(`${writer}/${at}`)).catch(() => undefined)
}

/** What a signal ends, and what it cannot end any more. */
export const aborts: Section = {
  'a signal that has aborted before lets nothing run': async (bench) => {
    let ran = false
    const write = async (): Promise<void> => {
      ran = true
    }
    await expectAbandoned(bench.storage.transact('default', write, { signal: AbortSignal.abort() }))
    expect(ran).toBe(false)
  },
  'who gives up waiting for the lock never runs, and the others do': async (bench) => {
    const proceed = signalled()
    const order: string[] = []
    const first = bench.storage.transact('default', () => proceed.reached)
    const controller = new AbortController()
    const { signal } = controller
    const second = bench.storage.transact('default', async () => order.push('second'), { signal })
    const third = bench.storage.transact('default', async () => order.push('third'))
    controller.abort()
    await expectAbandoned(second)
    proceed.reach()
    await Promise.all([first, third])
    expect(order).toEqual(['third'])
  },
  'an abort ends a transaction that would never end by itself, and undoes it': async (bench) => {
    const controller = new AbortController()
    let kept: StorageTransaction | undefined
    const write = async (tx: StorageTransaction): Promise<void> => {
      kept = tx
      await tx.insert('things', thing('a'))
      controller.abort()
      await never
    }
    await expectAbandoned(bench.storage.transact('default', write, { signal: controller.signal }))
    await failureOf(Promise.resolve(kept?.insert('things', thing('b'))))
    await bench.put(thing('c'))
    expect(await bench.all()).toEqual([thing('c')])
  },
  'an abort before the function has returned undoes what it did': async (bench) => {
    const controller = new AbortController()
    const write = async (tx: StorageTransaction): Promise<void> => {
      await tx.insert('things', thing('a'))
      controller.abort()
    }
    await expectAbandoned(bench.storage.transact('default', write, { signal: controller.signal }))
    expect(await bench.get('a')).toBeUndefined()
  },
  'an abort wins over whatever the function throws': async (bench) => {
    const controller = new AbortController()
    const write = async (tx: StorageTransaction): Promise<void> => {
      await tx.insert('things', thing('a'))
      controller.abort()
      throw new Error('of its own')
    }
    await expectAbandoned(bench.storage.transact('default', write, { signal: controller.signal }))
    expect(await bench.get('a')).toBeUndefined()
  },
  'what is written after an abort, however soon, is written nowhere': async (bench) => {
    const controller = new AbortController()
    const stubborn: Promise<void>[] = []
    const write = async (tx: StorageTransaction): Promise<void> => {
      controller.abort()
      for (let writer = 0; writer < 20; writer++) stubborn.push(insist(tx, writer))
      await Promise.all(stubborn)
    }
    await expectAbandoned(bench.storage.transact('default', write, { signal: controller.signal }))
    await Promise.all(stubborn)
    expect(await bench.all()).toEqual([])
  },
  ...ticking,
  'an abort after the end changes nothing': async (bench) => {
    const controller = new AbortController()
    await bench.storage.transact('default', (tx) => tx.insert('things', thing('a')), { signal: controller.signal })
    controller.abort()
    expect(await bench.get('a')).toBeDefined()
    await bench.put(thing('b'))
  },
}
