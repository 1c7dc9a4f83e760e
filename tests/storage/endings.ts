import { storageFailureOf } from '@chatelaine/core/storage'
import type { StorageTransaction } from '@chatelaine/core/storage'
import { describe, expect, test } from 'vitest'
import { failureOf, rejection, signalled, thing } from './bench.ts'
import type { BenchOf } from './bench.ts'

const never = new Promise<never>(() => {})

function describeAborts(bench: BenchOf): void {
  const expectAbandoned = async (promise: Promise<unknown>): Promise<void> => {
    expect(storageFailureOf(await rejection(promise))).toMatchObject({ transient: true, outcome: 'none' })
  }

  test('a signal that has aborted before lets nothing run', async () => {
    let ran = false
    const write = async (): Promise<void> => {
      ran = true
    }
    await expectAbandoned(bench().storage.transact('default', write, { signal: AbortSignal.abort() }))
    expect(ran).toBe(false)
  })

  test('who gives up waiting for the lock leaves the queue, and the others keep their order', async () => {
    const proceed = signalled()
    const order: string[] = []
    const first = bench().storage.transact('default', () => proceed.reached)
    const controller = new AbortController()
    const { signal } = controller
    const second = bench().storage.transact('default', async () => order.push('second'), { signal })
    const third = bench().storage.transact('default', async () => order.push('third'))
    controller.abort()
    await expectAbandoned(second)
    proceed.reach()
    await Promise.all([first, third])
    expect(order).toEqual(['third'])
  })

  test('an abort ends a transaction that would never end by itself, and undoes it', async () => {
    const controller = new AbortController()
    let kept: StorageTransaction | undefined
    const hanging = bench().storage.transact(
      'default',
      async (tx) => {
        kept = tx
        await tx.insert('things', thing('a'))
        controller.abort()
        await never
      },
      { signal: controller.signal },
    )
    await expectAbandoned(hanging)
    await failureOf(Promise.resolve(kept?.insert('things', thing('b'))))
    await bench().put(thing('c'))
    expect(await bench().get('a')).toBeUndefined()
    expect(await bench().get('b')).toBeUndefined()
  })

  test('an abort before the function has returned undoes what it did', async () => {
    const controller = new AbortController()
    const write = async (tx: StorageTransaction): Promise<void> => {
      await tx.insert('things', thing('a'))
      controller.abort()
    }
    await expectAbandoned(bench().storage.transact('default', write, { signal: controller.signal }))
    expect(await bench().get('a')).toBeUndefined()
  })

  test('what is written after an abort, however soon, is written nowhere', async () => {
    const controller = new AbortController()
    const stubborn: Promise<void>[] = []
    const insist = async (tx: StorageTransaction, writer: number): Promise<void> => {
      for (let tick = 0; tick < writer; tick++) await Promise.resolve()
      for (let at = 0; at < 20; at++) await tx.insert('things', thing(`${writer}/${at}`)).catch(() => undefined)
    }
    const write = async (tx: StorageTransaction): Promise<void> => {
      controller.abort()
      for (let writer = 0; writer < 20; writer++) stubborn.push(insist(tx, writer))
      await Promise.all(stubborn)
    }
    await expectAbandoned(bench().storage.transact('default', write, { signal: controller.signal }))
    await Promise.all(stubborn)
    expect(await bench().storage.snapshot((view) => view.range('things', { prefix: [], limit: 10 }))).toEqual([])
  })

  test.each([0, 1, 2, 3, 4, 5, 6])('an abort %s ticks before the commit undoes all or nothing', async (ticks) => {
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
    const outcome = await bench()
      .storage.transact('default', write, { signal: controller.signal })
      .catch((error: unknown) => storageFailureOf(error)?.outcome)
    expect(['committed', 'none']).toContain(outcome)
    expect((await bench().get('a')) !== undefined).toBe(outcome === 'committed')
  })

  test('an abort after the end changes nothing', async () => {
    const controller = new AbortController()
    await bench().storage.transact('default', (tx) => tx.insert('things', thing('a')), { signal: controller.signal })
    controller.abort()
    expect(await bench().get('a')).toBeDefined()
  })
}

function describeClosing(bench: BenchOf): void {
  test('closing waits for what is running, may be done twice, and ends all use', async () => {
    const proceed = signalled()
    const { storage } = bench()
    const writing = storage.transact('default', async (tx) => {
      await proceed.reached
      await tx.insert('things', thing('a'))
      return tx.get('things', ['default', 'a'])
    })
    const reading = storage.snapshot(async (view) => {
      await proceed.reached
      return view.get('things', ['default', 'a'])
    })
    let closed = false
    const closing = storage.close().then(() => (closed = true))
    await new Promise((resolve) => setImmediate(resolve))
    expect(closed).toBe(false)
    proceed.reach()
    expect(await writing).toEqual(thing('a'))
    expect(await reading).toBeUndefined()
    await closing
    await storage.close()
    await failureOf(storage.snapshot(async () => undefined))
    await failureOf(storage.transact('default', async () => undefined))
  })

  test('migrating again changes nothing', async () => {
    await bench().put(thing('a'))
    await bench().storage.migrate()
    expect(await bench().get('a')).toBeDefined()
  })
}

/** How transactions end before their time, and storages for good. */
export function describeEndings(bench: BenchOf): void {
  describe('aborts', () => {
    describeAborts(bench)
  })
  describe('closing', () => {
    describeClosing(bench)
  })
}
