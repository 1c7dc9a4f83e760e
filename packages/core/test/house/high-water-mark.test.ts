import { beforeEach, describe, expect, test } from 'vitest'
import { createKms, inspectKms, localRootKey, type Kms, type KmsOptions, type Mark } from '../../src/index.ts'
import { fakeClock, type FakeClock } from '../../src/testing.ts'
import { Shelf } from '../support/audit-storage.ts'
import { codeOf } from '../support/audit-world.ts'
import { rootKeyText } from '../support/kms.ts'
import { MarkInMemory } from '../support/mark-in-memory.ts'

let shelf: Shelf
let mark: MarkInMemory
let clock: FakeClock
const open = async (options: Partial<KmsOptions> = {}, on = shelf): Promise<Kms> => {
  const rootKey = localRootKey(rootKeyText)
  return createKms({ storage: on.adapter(), rootKey, clock, timers: clock, highWaterMark: mark, ...options })
}
const refused = async (options: Partial<KmsOptions> = {}, on = shelf): Promise<unknown> =>
  open(options, on).then(
    async (kms) => kms.close(),
    (error: unknown) => error,
  )
const work = async (kms: Kms, count = 3): Promise<void> => {
  for (let done = 0; done < count; done++) await kms.generateRandom({ numberOfBytes: 1 })
}

beforeEach(() => {
  shelf = new Shelf()
  mark = new MarkInMemory()
  clock = fakeClock()
})

describe('E81 a database that does not fit its high-water mark is refused', () => {
  test('put back to an older copy: with how many records it had and has', async () => {
    let kms = await open()
    await kms.keys.create({ name: 'orders', spec: 'AES_256' })
    await kms.close()
    const older = await shelf.copy()
    kms = await open()
    await kms.keys.disable({ key: 'orders' })
    await kms.close()
    const error = await refused({}, older)
    expect(error).toMatchObject({
      code: 'ROLLBACK_DETECTED',
      message: expect.stringMatching(/has 2 records, and had 3/),
    })
    expect(await older.rows('records')).toHaveLength(2)
    expect(await refused()).toBeUndefined()
    for (const [on, problems] of [
      [older, [{ code: 'ROLLBACK_DETECTED', message: expect.stringMatching(/has 2 records, and had 3/) }]],
      [shelf, []],
    ] as const) {
      const look = await inspectKms({ storage: on.adapter(), rootKey: localRootKey(rootKeyText), highWaterMark: mark })
      expect(look.problems).toEqual(problems)
      await look.close()
    }
  })

  test('gone on from an older copy, to as long or a longer log', async () => {
    let kms = await open()
    await work(kms)
    await kms.close()
    const fork = await shelf.copy()
    kms = await open()
    await work(kms, 2)
    await kms.close()
    for (const more of [2, 1]) {
      kms = await open({ highWaterMark: false }, fork)
      await work(kms, more)
      await kms.close()
      expect(await refused({}, fork)).toMatchObject({
        code: 'ROLLBACK_DETECTED',
        message: expect.stringContaining('other records'),
      })
    }
    const forged = (await shelf.rows('records')).at(5)
    await fork.edit('records', ['default', 5], () => forged as never)
    expect(await refused({}, fork)).toMatchObject({ code: 'ROLLBACK_DETECTED' })
  })

  test('emptied, or another one', async () => {
    const kms = await open()
    await work(kms)
    await kms.close()
    const empty = new Shelf()
    expect(await refused({}, empty)).toMatchObject({ code: 'ROLLBACK_DETECTED' })
    expect(await empty.rows('records')).toEqual([])
    const other = await open({ highWaterMark: false }, empty)
    await work(other, 30)
    await other.close()
    expect(await refused({}, empty)).toMatchObject({
      code: 'ROLLBACK_DETECTED',
      message: expect.stringContaining('of another database'),
    })
  })

  test('without a mark, over a grown log; a new log makes one', async () => {
    const kms = await open()
    expect(mark.marks.get('default')).toMatchObject({ size: 1, revision: 0 })
    await work(kms)
    await kms.close()
    mark.marks.clear()
    expect(await refused()).toMatchObject({ code: 'ROLLBACK_DETECTED', message: expect.stringContaining('is missing') })
  })

  test('with a mark of which one byte is another', async () => {
    const kms = await open()
    await work(kms)
    await kms.close()
    const whole = mark.marks.get('default') as Mark
    const { checkpoint } = whole
    const wrong: Partial<Mark>[] = [
      { size: whole.size - 1 },
      { headHash: `${whole.headHash.slice(1)}0` },
      ...[5, checkpoint.length - 30, checkpoint.indexOf('\n') + 4].map((at) => ({
        checkpoint: `${checkpoint.slice(0, at)}${checkpoint[at] === 'x' ? 'y' : 'x'}${checkpoint.slice(at + 1)}`,
      })),
    ]
    for (const change of wrong) {
      mark.marks.set('default', { ...whole, ...change })
      expect(await refused()).toMatchObject({ code: 'ROLLBACK_DETECTED' })
    }
  })

  test('for the tenant that it concerns, and no other', async () => {
    let kms = await open()
    await (await kms.tenants.ensure('acme')).generateRandom({ numberOfBytes: 1 })
    await kms.close()
    const older = await shelf.copy()
    kms = await open()
    await (await kms.tenant('acme')).generateRandom({ numberOfBytes: 1 })
    await kms.close()
    kms = await open({}, older)
    expect(await codeOf(kms.tenant('acme'))).toBe('ROLLBACK_DETECTED')
    await kms.close()
  })

  test('while it is open, when another process has seen more', async () => {
    const kms = await open()
    await work(kms)
    const before = await shelf.copy()
    const other = await open()
    await work(other)
    await other.close()
    shelf.memory = before.memory
    clock.advance(1000)
    await kms.generateRandom({ numberOfBytes: 1 }).catch(() => undefined)
    clock.advance(1000)
    await clock.turn()
    expect(await codeOf(kms.generateRandom({ numberOfBytes: 1 }))).toBe('ROLLBACK_DETECTED')
    expect((await kms.ops.health()).tampering).toContain('older chain')
    await kms.close()
  })
})

describe('a rollback that somebody accepts', () => {
  test('is on record, with both checkpoints, who and why; what it replaced is refused from then on', async () => {
    let kms = await open()
    await work(kms)
    await kms.close()
    const older = await shelf.copy()
    kms = await open()
    await work(kms)
    await kms.close()
    const had = mark.marks.get('default') as Mark
    kms = await open(
      { acceptRollback: { reason: 'restored after the fire' }, principal: { id: 'eve', role: 'admin' } },
      older,
    )
    const [record] = (await kms.audit.list({ limit: 100 })).items.filter(({ action }) => action === 'acceptRollback')
    expect(record).toMatchObject({ actor: 'eve', status: 'SUCCESS', seq: 4, reason: expect.stringContaining('had 7') })
    expect(record?.details).toEqual({
      why: 'restored after the fire',
      markSize: 7,
      markCheckpoint: had.checkpoint,
      checkpoint: expect.stringMatching(/^chatelaine.invalid\/default\n4\n/),
    })
    await kms.close()
    expect(await refused({}, older)).toBeUndefined()
    expect(await refused()).toMatchObject({ code: 'ROLLBACK_DETECTED' })
  })

  test('may be that the mark is lost, or the database; where nothing is wrong, nothing is accepted', async () => {
    const acceptRollback = { reason: 'moved' }
    const kms = await open({ acceptRollback })
    await work(kms)
    await kms.close()
    expect(await refused({ acceptRollback })).toBeUndefined()
    expect(await shelf.rows('records')).toHaveLength(4)
    mark.marks.clear()
    expect(await refused({ acceptRollback })).toBeUndefined()
    expect((await shelf.rows('records')).at(-1)).toMatchObject({ action: 'acceptRollback' })
    const empty = new Shelf()
    expect(await refused({ acceptRollback }, empty)).toBeUndefined()
    expect((await empty.rows('records')).map(({ action }) => action)).toEqual(['genesis', 'acceptRollback'])
    expect(await refused({}, empty)).toBeUndefined()
  })

  test('has a reason', async () => {
    for (const acceptRollback of [true, {}, { reason: '' }, { reason: ' ' }, { reason: 'x'.repeat(1025) }]) {
      expect(await refused({ acceptRollback: acceptRollback as never })).toMatchObject({ code: 'INVALID_REQUEST' })
    }
  })
})

describe('a mark', () => {
  test('is advanced once a second at most, and when the KMS is closed', async () => {
    const kms = await open()
    const begun = mark.advances
    for (let second = 0; second < 3; second++) {
      await work(kms, 5)
      clock.advance(1000)
      await clock.turn()
    }
    expect(mark.advances - begun).toBeGreaterThan(0)
    expect(mark.advances - begun).toBeLessThanOrEqual(4)
    await work(kms, 1)
    await kms.close()
    expect(mark.marks.get('default')?.size).toBe((await shelf.rows('records')).length)
  })

  test('that cannot be written keeps nobody from anything; health says so, and when it is over', async () => {
    const kms = await open()
    expect(await kms.ops.health()).toMatchObject({ status: 'green', mark: { ok: true } })
    mark.broken = true
    clock.advance(1000)
    await work(kms)
    expect(await kms.ops.health()).toMatchObject({ status: 'yellow', mark: { ok: false } })
    mark.broken = false
    clock.advance(1000)
    await work(kms)
    expect(await kms.ops.health()).toMatchObject({ status: 'green', mark: { ok: true } })
    await kms.close()
  })

  test('that cannot be read when a KMS is opened keeps it from opening', async () => {
    mark.broken = true
    expect(await refused()).toMatchObject({ code: 'STORAGE_UNAVAILABLE' })
  })
})
