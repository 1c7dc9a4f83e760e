import { describe, expect, test } from 'vitest'
import type { Kms, StorageAdapter } from '../../src/index.ts'
import { makeWorld, outcomeOf, recordsOf, turns, type World } from '../support/kms.ts'

async function worldWith(rotateAfterMessages: number): Promise<World> {
  const world = await makeWorld()
  await world.kms.keys.create({ name: 'k', spec: 'AES_256', rotateAfterMessages })
  return world
}

async function protect(kms: Kms, count: number): Promise<void> {
  await Promise.all(Array.from({ length: count }, async () => kms.encrypt({ key: 'k', plaintext: 'x' })))
  await turns(5)
}

async function versionOf(kms: Kms): Promise<number> {
  return (await kms.keys.get({ key: 'k' })).currentVersion
}

describe('rotateAfterMessages', () => {
  test('A26 names the key, and has it rotated by the scheduler, once its version has protected so many', async () => {
    const world = await worldWith(10)
    const { kms } = world
    await protect(kms, 9)
    expect((await kms.ops.rotationCandidates()).items).toEqual([])
    expect((await kms.scheduler.runDue()).done).toEqual([])
    await protect(kms, 1)
    expect((await kms.ops.rotationCandidates()).items).toMatchObject([
      { name: 'k', reason: 'rotateAfterMessages', messages: 10, rotateAfterMessages: 10, daysSinceRotation: 0 },
    ])
    const records = await recordsOf(world, async () => {
      expect((await kms.scheduler.runDue()).done).toMatchObject([{ job: 'rotate' }])
    })
    expect(records.at(-1)).toMatchObject({
      action: 'rotateKey',
      actor: 'scheduler',
      details: { why: 'rotateAfterMessages' },
    })
    expect(await versionOf(kms)).toBe(2)
    expect((await kms.ops.rotationCandidates()).items).toEqual([])
    await protect(kms, 9)
    expect((await kms.scheduler.runDue()).done).toEqual([])
    await protect(kms, 1)
    expect((await kms.scheduler.runDue()).done).toHaveLength(1)
    expect(await versionOf(kms)).toBe(3)
  })

  test('C56 is done once, however many processes protect and run at a time', async () => {
    const world = await worldWith(50)
    const { kms, again } = world
    const processes = [kms, await again(), await again(), await again()]
    await Promise.all(processes.map(async (each) => protect(each, 13)))
    const reports = await Promise.all(processes.map(async (each) => each.scheduler.runDue()))
    expect(reports.flatMap(({ done }) => done)).toHaveLength(1)
    expect(await versionOf(kms)).toBe(2)
    expect(await kms.audit.verify()).toMatchObject({ ok: true })
  })

  test('is never late, and early by a 64th for each process that goes on, and by as much as it used for one that ended', async () => {
    const { kms, again } = await worldWith(6400)
    for (let process = 0; process < 10; process++) {
      const short = await again()
      await short.encryptMany({ items: Array.from({ length: 5 }, () => ({ key: 'k', plaintext: 'x' })) })
      await short.close()
    }
    const used = 50
    let more = 0
    while ((await kms.scheduler.runDue()).done.length === 0) {
      await protect(kms, 10)
      more += 10
    }
    expect(used + more).toBeLessThanOrEqual(6400)
    expect(used + more).toBeGreaterThanOrEqual(6400 - 50 - 100 - 10)
  })

  test('counts each message of a many-verb, one for a stream, and nothing that failed or was opened', async () => {
    const { kms } = await worldWith(4)
    const { ciphertext } = await kms.encrypt({ key: 'k', plaintext: 'x' })
    for (let at = 0; at < 9; at++) await kms.decrypt({ ciphertext })
    await kms.encrypt({ key: 'k', plaintext: 'x', algorithm: 'RSAES_OAEP_SHA_256' }).catch(() => undefined)
    await new Response(new Blob(['abc']).stream().pipeThrough(kms.encryptStream({ key: 'k' }))).arrayBuffer()
    await turns(5)
    expect((await kms.scheduler.runDue()).done).toEqual([])
    await kms.encryptMany({ items: [1, 2].map(() => ({ key: 'k', plaintext: 'x' })) })
    await turns(5)
    expect((await kms.scheduler.runDue()).done).toHaveLength(1)
  })

  test('that is set later, lowered or ended holds for what was protected since it was first set', async () => {
    const { kms } = await worldWith(100)
    await protect(kms, 10)
    await kms.keys.update({ key: 'k', rotateAfterMessages: 5 })
    expect((await kms.keys.get({ key: 'k' })).rotateAfterMessages).toBe(5)
    expect((await kms.scheduler.runDue()).done).toHaveLength(1)
    await protect(kms, 5)
    await kms.keys.update({ key: 'k', rotateAfterMessages: null })
    expect((await kms.keys.get({ key: 'k' })).rotateAfterMessages).toBeUndefined()
    expect((await kms.scheduler.runDue()).done.filter(({ job }) => job === 'rotate')).toEqual([])
  })

  test.each([
    ['by another process', async (world: World) => world.again()],
    ['by the same', async (world: World) => world.kms],
  ])('is written down %s with the next message, where it could not be with the last one', async (_, next) => {
    const world = await worldWith(3)
    const { kms } = world
    // Deactivated, the scheduler's principal may not write it down, as if the process had died before.
    await kms.principals.deactivate({ principal: 'scheduler' })
    await protect(kms, 5)
    await kms.principals.activate({ principal: 'scheduler' })
    const other = await next(world)
    expect((await other.scheduler.runDue()).done).toEqual([])
    await protect(other, 1)
    expect((await other.scheduler.runDue()).done).toHaveLength(1)
    expect(await versionOf(kms)).toBe(2)
  })

  test('P5 whose count does not verify fails what is counted, and nothing else of its batch', async () => {
    const { kms, db, again } = await worldWith(10)
    await kms.keys.create({ name: 'other', spec: 'AES_256', rotateAfterMessages: 10 })
    await protect(kms, 1)
    const { id } = await kms.keys.get({ key: 'k' })
    await db.remove('message_counts', ['default', id, 1])
    const later = await again()
    const encrypt = async (key: string): Promise<string> => outcomeOf(later.encrypt({ key, plaintext: 'x' }))
    const created = outcomeOf(later.keys.create({ spec: 'AES_256' }))
    const both = ['k', 'other'].map((key) => ({ key, plaintext: 'x' }))
    const many = outcomeOf(later.encryptMany({ items: both }))
    expect(await Promise.all([encrypt('k'), encrypt('other'), many, created])).toEqual([
      'STORAGE_TAMPERED',
      'ok',
      'STORAGE_TAMPERED',
      'ok',
    ])
    expect((await db.rows('message_counts')).map(({ messages }) => messages)).toEqual([2])
  })

  test('is not late for a batch that hung, and turns out to be committed when others have gone on', async () => {
    const world = await worldWith(6400)
    const storage = world.db.connect()
    let held: Promise<void> | undefined
    const transact: StorageAdapter['transact'] = async (tenant, write, options) => {
      const hold = held
      const result = await storage.transact(tenant, write, options)
      await hold
      return result
    }
    const kms = await world.again({ storage: { ...storage, transact }, deadlineMs: 500 })
    const one = async (): Promise<string> => outcomeOf(kms.encrypt({ key: 'k', plaintext: 'x' }))
    const counted = async (): Promise<number> => Number((await world.db.rows('message_counts'))[0]?.['messages'] ?? 0)
    let done = 0
    const goOnUntil = async (count: () => Promise<number>, least: number): Promise<void> => {
      while ((await count()) < least) {
        done += (await one()) === 'ok' ? 1 : 0
        expect(done).toBeLessThanOrEqual(await counted())
      }
    }
    await goOnUntil(counted, 327)
    const hold = Promise.withResolvers<void>()
    held = hold.promise
    const hung = one()
    await turns(20)
    held = undefined
    for (const ms of [600, 1100]) {
      world.clock.advance(ms)
      await turns(20)
    }
    expect(await hung).toBe('AUDIT_UNAVAILABLE')
    await goOnUntil(async () => done, 320)
    hold.resolve()
    await turns(30)
    await goOnUntil(counted, 428)
  })

  test.each([0, -1, 1.5, NaN, Infinity, 2 ** 53, '10'])('C48 is never %s', async (rotateAfterMessages) => {
    const { kms } = await makeWorld()
    const made = kms.keys.create({ spec: 'AES_256', rotateAfterMessages: rotateAfterMessages as number })
    await expect(made).rejects.toMatchObject({ code: 'INVALID_REQUEST' })
  })
})
