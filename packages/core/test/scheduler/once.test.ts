import { describe, expect, test } from 'vitest'
import type { Kms } from '../../src/index.ts'
import { day, expectCode, makeGate, makeWorld, recordsOf, turns, type World } from '../support/kms.ts'

const minute = 60_000
const no = 'INVALID_KEY_STATE'

async function worldWithKeys(count: number, policies: object = { rotationPeriodDays: 1 }): Promise<World> {
  const world = await makeWorld({ deadlineMs: 600_000 })
  for (let at = 0; at < count; at++) await world.kms.keys.create({ name: `k${at}`, spec: 'AES_256', ...policies })
  world.clock.advance(day)
  return world
}

async function versions(kms: Kms): Promise<number[]> {
  const found: number[] = []
  for await (const { currentVersion } of kms.keys.list()) found.push(currentVersion)
  return found
}

describe('each thing that is due is done once', () => {
  test('C56 by whichever process comes first, however many run at a time', async () => {
    const world = await worldWithKeys(100)
    const { kms, again } = world
    const processes = [kms, await again(), await again(), await again()]
    const records = await recordsOf(world, async () => {
      const reports = await Promise.all(processes.map(async (each) => each.scheduler.runDue()))
      expect(reports.flatMap(({ done }) => done)).toHaveLength(100)
      expect(reports.flatMap(({ failed }) => failed)).toEqual([])
    })
    expect(records.filter(({ action }) => action === 'rotateKey')).toHaveLength(100)
    expect(await versions(kms)).toEqual(Array.from({ length: 100 }, () => 2))
    expect(await kms.audit.verify()).toMatchObject({ ok: true })
  })

  test('C56 also when one process is asked twice at a time', async () => {
    const { kms } = await worldWithKeys(40)
    const reports = await Promise.all([kms.scheduler.runDue(), kms.scheduler.runDue(), kms.scheduler.runDue()])
    expect(reports.flatMap(({ done }) => done)).toHaveLength(40)
    expect(await versions(kms)).toEqual(Array.from({ length: 40 }, () => 2))
  })

  test('C56 by another process when its holder dies, not before the lease is over, and not by both', async () => {
    const world = await worldWithKeys(3)
    const { kms, clock, again, db } = world
    const gate = makeGate()
    const dying = await again({ deadlineMs: 600_000 }, gate.hook)
    const claims = async (): Promise<number> => (await db.rows('due')).filter(({ holder }) => holder !== null).length
    const running = dying.scheduler.runDue({ leaseMs: 5 * minute })
    while ((await claims()) === 0) await turns(1)
    gate.shut()
    clock.advance(5 * minute - 1)
    expect((await kms.scheduler.runDue()).done).toEqual([])
    clock.advance(1)
    expect((await kms.scheduler.runDue()).done).toHaveLength(3)
    // It was not dead at all: what it does now is fenced off, and recorded as what it is.
    gate.open()
    const { done, failed } = await running
    expect(done).toEqual([])
    expect(failed.map(({ job, error }) => [job, error.code])).toEqual(
      Array.from({ length: 3 }, () => ['rotate', 'CONFLICT']),
    )
    expect(await versions(kms)).toEqual([2, 2, 2])
    expect(await kms.audit.verify()).toMatchObject({ ok: true })
  })

  test('C45 C56 rotated by somebody else between its claim and its turn, it is not rotated again', async () => {
    const { kms, again } = await worldWithKeys(1)
    const other = await again()
    await Promise.all([kms.scheduler.runDue(), other.keys.rotate({ key: 'k0' })])
    await kms.scheduler.runDue()
    expect((await versions(kms))[0]).toBe(2)
  })

  test('C49 C56 and not again when the clock is set back by a day and comes there a second time', async () => {
    const { kms, clock } = await worldWithKeys(1, { rotationPeriodDays: 1, gracePeriodDays: 1, afterGrace: 'revoke' })
    await kms.scheduler.runDue()
    clock.set(clock.now() - day)
    expect((await kms.scheduler.runDue()).done).toEqual([])
    clock.advance(day)
    expect((await kms.scheduler.runDue()).done).toEqual([])
    expect(await versions(kms)).toEqual([2])
    expect((await kms.keys.listVersions({ key: 'k0' })).items).toHaveLength(2)
  })

  test('C56 all of it at once after a sleep over many ticks, and each of it once', async () => {
    const { kms, clock } = await worldWithKeys(5)
    clock.set(clock.now() + 30 * day)
    expect((await kms.scheduler.runDue()).done).toHaveLength(5)
    expect(await versions(kms)).toEqual([2, 2, 2, 2, 2])
  })

  test('is done as much as is asked for, and the rest later', async () => {
    const { kms } = await worldWithKeys(5)
    expect(await kms.scheduler.runDue({ limit: 2 })).toMatchObject({ done: { length: 2 }, more: true })
    expect(await kms.scheduler.runDue({ limit: 2 })).toMatchObject({ done: { length: 2 }, more: true })
    expect(await kms.scheduler.runDue({ limit: 2 })).toMatchObject({ done: { length: 1 }, more: false })
  })

  test('is done in its own tenant only', async () => {
    const { kms, clock } = await makeWorld()
    const other = await kms.tenants.ensure('other')
    await other.keys.create({ name: 'k', spec: 'AES_256', rotationPeriodDays: 1 })
    clock.advance(day)
    expect((await kms.scheduler.runDue()).done).toEqual([])
    expect((await other.scheduler.runDue()).done).toHaveLength(1)
  })
})

test('nothing is recorded, and nothing is written, where nothing is due', async () => {
  const world = await worldWithKeys(3, { rotationPeriodDays: 2 })
  expect(await recordsOf(world, async () => world.kms.scheduler.runDue())).toEqual([])
})

describe('one key that fails', () => {
  test('S0-43 C56 holds up no other: its failure is on record, with the reason', async () => {
    const world = await worldWithKeys(5)
    const { db, again } = world
    await db.plant('keys', ({ name }) => name === 'k2', { policy: '{"rotationPeriodDays":-1}' })
    const other = await again()
    const records = await recordsOf(world, async () => {
      const { done, failed } = await other.scheduler.runDue()
      expect(done).toHaveLength(4)
      expect(failed).toMatchObject([{ error: { code: 'STORAGE_TAMPERED' } }])
    })
    expect(records.filter(({ status }) => status === 'FAILURE')).toMatchObject([
      {
        actor: 'scheduler',
        code: 'STORAGE_TAMPERED',
        keyId: (await db.rows('keys')).find(({ name }) => name === 'k2')?.['id'],
      },
    ])
  })

  test('is tried again after a while, each time after twice as long, up to a day, and done once it can be', async () => {
    const policies = { expiresAfterDays: 1, retainAfterExpiryDays: 1, deletionUnusedDays: 30 }
    const { kms, clock } = await worldWithKeys(1, policies)
    const { ciphertext } = await kms.encrypt({ key: 'k0', plaintext: 'x' }).catch(() => ({ ciphertext: undefined }))
    expect(ciphertext).toBeUndefined()
    const world = await makeWorld()
    await world.kms.keys.create({ name: 'k', spec: 'AES_256', ...policies })
    await world.kms.encrypt({ key: 'k', plaintext: 'x' })
    world.clock.advance(2 * day)
    await world.kms.scheduler.runDue()
    const waits: number[] = []
    let waited = 0
    let outcome = await world.kms.scheduler.runDue()
    while (outcome.done.length === 0) {
      if (outcome.failed.length > 0) {
        expect(outcome.failed).toMatchObject([{ job: 'cleanUp', error: { code: no } }])
        waits.push(waited)
        waited = 0
      }
      world.clock.advance(5 * minute)
      waited += 5
      outcome = await world.kms.scheduler.runDue()
    }
    expect(outcome.done).toMatchObject([{ job: 'cleanUp' }])
    expect(waits.slice(0, 11)).toEqual([0, 5, 10, 20, 40, 80, 160, 320, 640, 1280, 1440])
    expect(clock.now()).toBeGreaterThan(0)
  })
})

describe('a run', () => {
  test.each([
    { limit: 0 },
    { limit: 1.5 },
    { limit: NaN },
    { limit: 100_001 },
    { leaseMs: 999 },
    { leaseMs: Infinity },
    { leaseMs: '5' as unknown as number },
    null as unknown as object,
  ])('is refused with %j', async (options) => {
    const { kms } = await makeWorld()
    await expectCode(kms.scheduler.runDue(options), 'INVALID_REQUEST')
  })

  test('that is aborted stops, and what it has claimed is done later', async () => {
    const { kms, clock } = await worldWithKeys(3)
    const signal = AbortSignal.abort('enough')
    await expectCode(kms.scheduler.runDue({ signal }), 'ABORTED')
    clock.advance(5 * minute)
    expect((await kms.scheduler.runDue()).done).toHaveLength(3)
  })

  test('of a KMS that was closed is none', async () => {
    const { kms } = await worldWithKeys(1)
    await kms.close()
    await expectCode(kms.scheduler.runDue(), 'CLOSED')
  })

  test('D57 is refused where the principal scheduler was deactivated', async () => {
    const { kms } = await worldWithKeys(1)
    await kms.principals.deactivate({ principal: 'scheduler' })
    await expectCode(kms.scheduler.runDue(), 'ACCESS_DENIED')
    await kms.principals.activate({ principal: 'scheduler' })
    expect((await kms.scheduler.runDue()).done).toHaveLength(1)
  })
})
