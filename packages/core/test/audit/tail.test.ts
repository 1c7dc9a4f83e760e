import { beforeEach, describe, expect, test } from 'vitest'
import type { AuditRecord, Kms } from '../../src/index.ts'
import { isKmsError } from '../../src/index.ts'
import { settle, until, watch, World } from '../support/audit-world.ts'

let world: World
let kms: Kms
beforeEach(async () => {
  world = new World()
  kms = await world.open()
  await kms.keys.create({ name: 'orders', spec: 'AES_256' })
})

type Tail = AsyncGenerator<AuditRecord, void, undefined>
/** The next record of the tail; the clock stands still, so no poll can have found it. */
async function next(tail: Tail): Promise<AuditRecord> {
  const watched = watch(tail.next())
  await until(() => watched.state !== 'pending')
  if (watched.state === 'failed') throw watched.error as Error
  return watched.value?.value as AuditRecord
}
const encrypt = async (requestId: string, by: Kms = kms): Promise<unknown> =>
  by.encrypt({ key: 'orders', plaintext: 'x' }, { requestId })

describe('a tail', () => {
  test('begins with what comes after it was asked for, and shows its own opening once', async () => {
    const tail = kms.audit.tail()
    const first = await next(tail)
    expect(first).toMatchObject({ action: 'readAudit', seq: 2 })
    await encrypt('a')
    expect(await next(tail)).toMatchObject({ requestId: 'a', seq: 3 })
    await tail.return()
  })

  test('begins where it is told', async () => {
    const tail = kms.audit.tail({ from: 0 })
    const actions: string[] = []
    for await (const record of tail) {
      actions.push(record.action)
      if (actions.length === 3) break
    }
    expect(actions).toEqual(['genesis', 'createKey', 'readAudit'])
  })

  test('shows every commit of its own process at once, also those made while nobody asked', async () => {
    const tail = kms.audit.tail({ from: 3 })
    const waiting = watch(tail.next())
    await settle()
    expect(waiting.state).toBe('pending')
    await encrypt('a')
    await until(() => waiting.state === 'done')
    expect(waiting.value?.value).toMatchObject({ requestId: 'a' })
    await encrypt('b')
    await encrypt('c')
    expect((await next(tail)).requestId).toBe('b')
    await encrypt('d')
    expect((await next(tail)).requestId).toBe('c')
    expect((await next(tail)).requestId).toBe('d')
    await tail.return()
  })

  test('shows the commits of others within half a second', async () => {
    const other = await world.open()
    const tail = kms.audit.tail({ from: 3 })
    const waiting = watch(tail.next())
    await settle()
    await encrypt('theirs', other)
    await settle()
    world.clock.advance(499)
    await settle()
    expect(waiting.state).toBe('pending')
    world.clock.advance(1)
    await until(() => waiting.state === 'done')
    expect(waiting.value?.value).toMatchObject({ requestId: 'theirs' })
    await tail.return()
  })

  test('misses nothing and repeats nothing, over many pages', async () => {
    for (let round = 0; round < 6; round++) {
      await Promise.all(Array.from({ length: 100 }, async (_, index) => encrypt(`${round}-${index}`)))
    }
    const seqs: number[] = []
    for await (const { seq } of kms.audit.tail({ from: 0 })) if (seqs.push(seq) === 603) break
    expect(seqs).toEqual(Array.from({ length: 603 }, (_, seq) => seq))
  })

  test('is recorded once, when it is opened', async () => {
    const tail = kms.audit.tail()
    expect(await world.recordsOf('readAudit')).toHaveLength(0)
    for (let round = 0; round < 5; round++) {
      await encrypt(`${round}`)
      await next(tail)
    }
    for (let polls = 0; polls < 3; polls++) {
      world.clock.advance(500)
      await settle()
    }
    expect(await world.recordsOf('readAudit')).toHaveLength(1)
    await tail.return()
  })

  test('ends with ABORTED when its signal aborts, while it waits or before', async () => {
    const aborting = new AbortController()
    const tail = kms.audit.tail({ from: 100 }, { signal: aborting.signal })
    const waiting = watch(tail.next())
    await settle()
    aborting.abort(new Error('enough'))
    await until(() => waiting.state === 'failed')
    expect(isKmsError(waiting.error, 'ABORTED') && waiting.error.cause).toEqual(new Error('enough'))
    expect(await tail.next()).toEqual({ done: true, value: undefined })
    await expect(kms.audit.tail({}, { signal: AbortSignal.abort() }).next()).rejects.toMatchObject({ code: 'ABORTED' })
  })

  test('is authorized anew every time it reads', async () => {
    const eve = kms.as({ id: 'eve', role: 'auditor' })
    const tail = eve.audit.tail({ from: 3 })
    const waiting = watch(tail.next())
    await settle()
    await kms.principals.deactivate({ principal: 'eve' })
    await until(() => waiting.state !== 'pending')
    expect(isKmsError(waiting.error, 'ACCESS_DENIED')).toBe(true)
    await expect(kms.as('billing').audit.tail().next()).rejects.toMatchObject({ code: 'ACCESS_DENIED' })
  })

  test('ends when the KMS is closed', async () => {
    const tail = kms.audit.tail({ from: 100 })
    const waiting = watch(tail.next())
    await settle()
    const closing = watch(kms.close())
    await until(() => {
      world.clock.advance(100)
      return waiting.state !== 'pending' && closing.state === 'done'
    })
    expect(isKmsError(waiting.error, 'CLOSED')).toBe(true)
  })

  test('leaves nothing behind when it is broken off', async () => {
    const tail = kms.audit.tail({ from: 0 })
    for await (const record of tail) if (record.seq === 1) break
    expect(await tail.next()).toEqual({ done: true, value: undefined })
    await encrypt('after')
  })
})
