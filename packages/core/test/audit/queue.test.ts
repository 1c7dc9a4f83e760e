import { beforeEach, describe, expect, test } from 'vitest'
import type { Entry } from '../../src/audit/entry.ts'
import type { Pending, Queue, Waiter } from '../../src/audit/queue.ts'
import { AuditUnavailableError } from '../../src/errors.ts'
import { limits } from '../../src/internal/defaults.ts'
import { changeOf, draft, useOf, waiter } from '../support/audit-entries.ts'
import { done, QueueBench, settleAll } from '../support/audit-queue.ts'
import { codeOf, settle } from '../support/audit-world.ts'

let bench: QueueBench
let queue: Queue
beforeEach(() => {
  bench = new QueueBench()
  ;({ queue } = bench)
})

const add = (entry?: Entry, who?: Waiter) => bench.add(entry, who)
const many = (count: number, entry?: Entry) => bench.many(count, entry)

describe('what waits', () => {
  test('is taken once, in the order in which it came', async () => {
    const entries = [useOf(), changeOf('a'), useOf()]
    for (const entry of entries) add(entry)
    expect([queue.size, queue.hasWaiting]).toEqual([3, true])
    const batch = queue.take()
    expect(batch.map(({ entry }) => entry)).toEqual(entries)
    expect([queue.size, queue.hasWaiting]).toEqual([3, false])
    expect(queue.take()).toEqual([])
    settleAll(batch)
    expect(queue.size).toBe(0)
  })

  test('is settled once, by whatever comes first', async () => {
    const waiting = add()
    const [pending] = queue.take() as [Pending]
    let told = 0
    pending.whenSettled = () => (told += 1)
    expect(pending.settled).toBe(false)
    pending.settle('again')
    pending.settle(done)
    pending.settle(new AuditUnavailableError('', 'none'))
    await settle()
    expect(waiting).toEqual({ state: 'done', value: 'again' })
    expect([pending.settled, told, queue.size]).toEqual([true, 1, 0])
  })

  test('counts as one record where it is a change, or has none', () => {
    add(useOf({ drafts: [] }))
    add(changeOf('a'))
    add(useOf({ drafts: [draft, draft, draft] }))
    expect(queue.take().map(({ records, recordBytes }) => [records, recordBytes])).toEqual([
      [1, 0],
      [1, 0],
      [3, 3 * 480],
    ])
  })
})

describe('a batch', () => {
  const records = (count: number) => useOf({ drafts: Array.from({ length: count }, () => draft) })

  test('has at most 256 records', () => {
    many(300)
    expect(queue.take()).toHaveLength(256)
    expect(queue.take()).toHaveLength(44)
  })

  test('counts the records, not the entries', () => {
    for (const count of [200, 56, 1, 255, 2]) add(records(count))
    expect(queue.take().map((pending) => pending.records)).toEqual([200, 56])
    expect(queue.take().map((pending) => pending.records)).toEqual([1, 255])
    expect(queue.take().map((pending) => pending.records)).toEqual([2])
  })

  test('has one entry at least, however many records that has', () => {
    add(records(1000))
    add(records(1))
    expect(queue.take().map((pending) => pending.records)).toEqual([1000])
    expect(queue.take().map((pending) => pending.records)).toEqual([1])
  })

  test('leaves out what was settled meanwhile', () => {
    const aborting = new AbortController()
    add()
    add(useOf(), waiter(aborting.signal))
    add()
    aborting.abort()
    expect(queue.take()).toHaveLength(2)
  })
})

describe('bounds', () => {
  test('10,000 records wait, and not one more', async () => {
    const drafts = Array.from({ length: 1000 }, () => draft)
    many(9, useOf({ drafts }))
    many(999)
    add(changeOf('a'))
    expect(queue.size).toBe(1009)
    expect(await codeOf(queue.add(useOf(), waiter()))).toBe('AUDIT_OVERLOADED')
    await expect(queue.add(changeOf('b'), waiter())).rejects.toThrow('too many operations wait for their records')
    settleAll(queue.take())
    expect(add().state).toBe('pending')
    await settle()
    expect(queue.size).toBe(1009)
  })

  test('16 MiB of records wait, and not a byte more', async () => {
    const ofBytes = (bytes: number) => useOf({ drafts: [{ ...draft, reason: 'x'.repeat(bytes - 480) }] })
    add(ofBytes(limits.queuedRecordBytes - 1000))
    expect(await codeOf(queue.add(ofBytes(1001), waiter()))).toBe('AUDIT_OVERLOADED')
    add(ofBytes(1000))
    expect(await codeOf(queue.add(ofBytes(480), waiter()))).toBe('AUDIT_OVERLOADED')
    add(changeOf('costs nothing'))
    await settle()
    expect(queue.size).toBe(3)
    settleAll(queue.take())
    add(ofBytes(limits.queuedRecordBytes))
    expect(queue.size).toBe(1)
  })

  test('256 MiB of results wait, and not a byte more', async () => {
    add(useOf({ resultBytes: limits.queuedResultBytes - 10 }))
    expect(await codeOf(queue.add(useOf({ resultBytes: 11 }), waiter()))).toBe('AUDIT_OVERLOADED')
    add(useOf({ resultBytes: 10 }))
    expect(await codeOf(queue.add(useOf({ resultBytes: 1 }), waiter()))).toBe('AUDIT_OVERLOADED')
    add(changeOf('holds no result'))
    expect(await codeOf(queue.add(useOf({ resultBytes: 1 }), waiter()))).toBe('AUDIT_OVERLOADED')
    await settle()
    expect(queue.size).toBe(3)
    settleAll(queue.take())
    add(useOf({ resultBytes: limits.queuedResultBytes }))
    expect(queue.size).toBe(1)
  })

  test('what was settled without being taken does not pile up', async () => {
    for (const [settled, taken] of [
      [258, 0],
      [259, 1],
    ] as const) {
      bench = new QueueBench()
      ;({ queue } = bench)
      many(settled)
      bench.clock.advance(1000)
      await settle()
      expect(queue.size).toBe(0)
      add()
      expect(queue.take()).toHaveLength(taken)
    }
  })

  test('what was settled may be twice what is open, and a batch, before it is dropped', async () => {
    many(258)
    bench.clock.advance(1000)
    await settle()
    add()
    add()
    expect(queue.take()).toHaveLength(0)
    expect(queue.take()).toHaveLength(2)
  })

  test('what is open is kept while the settled is dropped', async () => {
    many(300)
    bench.clock.advance(500)
    many(20)
    bench.clock.advance(500)
    await settle()
    expect(queue.size).toBe(20)
    add()
    expect(queue.take()).toHaveLength(21)
  })
})
