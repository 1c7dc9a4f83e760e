import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isKmsError, QuotaExceededError, type Kms, type QuotaRequest } from '../../src/index.ts'
import { expectCode, makeWorld, outcomeOf, recordsOf, settle, turns, type World } from '../support/kms.ts'

const minute = 60_000
const perApp: QuotaRequest = { operation: 'encrypt', per: 'principal', limit: 3, windowSeconds: 60 }

async function worldWith(...quotas: readonly QuotaRequest[]): Promise<World> {
  const world = await makeWorld()
  await world.kms.keys.create({ name: 'k', spec: 'AES_256', owner: 'device 7' })
  for (const quota of quotas) await world.kms.quotas.set(quota)
  return world
}

async function encrypt(kms: Pick<Kms, 'encrypt'>, key = 'k'): Promise<string> {
  return outcomeOf(kms.encrypt({ key, plaintext: 'x' }))
}

async function outcomes(count: number, work: () => Promise<string>): Promise<string[]> {
  const all = await Promise.all(Array.from({ length: count }, work))
  return all.toSorted()
}

describe('a quota on a use', () => {
  test('refuses what is too much, with the moment of the next, and releases nothing of it', async () => {
    const world = await worldWith(perApp)
    const { kms, clock } = world
    const first = clock.now()
    for (let at = 0; at < 3; at++) {
      expect(await encrypt(kms)).toBe('ok')
      clock.advance(1000)
    }
    const records = await recordsOf(world, async () => {
      const error = await settle(kms.encrypt({ key: 'k', plaintext: 'x' }))
      expect(error).toBeInstanceOf(QuotaExceededError)
      expect(error).toMatchObject({ code: 'QUOTA_EXCEEDED', retryable: true, retryAt: new Date(first + minute) })
    })
    expect(records).toMatchObject([
      { action: 'encrypt', status: 'FAILURE', code: 'QUOTA_EXCEEDED', owner: 'device 7', actor: 'owner' },
    ])
    expect(records[0]?.change).toBeUndefined()
    clock.set(first + minute - 1)
    expect(await encrypt(kms)).toBe('QUOTA_EXCEEDED')
    clock.set(first + minute)
    expect(await encrypt(kms)).toBe('ok')
  })

  test('lets through as much as it allows, however many ask at once, in however many processes, and after a restart', async () => {
    const { kms, again } = await worldWith({ ...perApp, limit: 20 })
    const processes = [kms, await again(), await again()]
    let at = 0
    const all = await outcomes(100, async () => encrypt(processes[at++ % 3] as Kms))
    expect(all.filter((outcome) => outcome === 'ok')).toHaveLength(20)
    expect(all.filter((outcome) => outcome === 'QUOTA_EXCEEDED')).toHaveLength(80)
    await Promise.all(processes.map(async (each) => each.close()))
    const later = await again()
    expect(await encrypt(later)).toBe('QUOTA_EXCEEDED')
    expect(await later.audit.verify()).toMatchObject({ ok: true })
  })

  test('is of each principal, of each owner of keys, or of the tenant', async () => {
    const { kms } = await worldWith(
      { ...perApp, limit: 1 },
      { ...perApp, name: 'owner', per: 'owner', limit: 2 },
      { ...perApp, name: 'all', per: 'tenant', limit: 4 },
    )
    await kms.keys.create({ name: 'nobody-s', spec: 'AES_256' })
    const as = async (id: string, key?: string): Promise<string> => encrypt(kms.as({ id, role: 'admin' }), key)
    expect(await as('a')).toBe('ok')
    expect(await as('a')).toBe('QUOTA_EXCEEDED')
    expect(await as('b')).toBe('ok')
    expect(await as('c')).toBe('QUOTA_EXCEEDED')
    expect(await as('c', 'nobody-s')).toBe('ok')
    expect(await as('d', 'nobody-s')).toBe('ok')
    expect(await as('e', 'nobody-s')).toBe('QUOTA_EXCEEDED')
  })

  test('counts nothing of what was refused by one of several, or failed by itself', async () => {
    const { kms, db } = await worldWith(
      { ...perApp, limit: 1 },
      { ...perApp, name: 'z-all', per: 'tenant', limit: 0 },
      { operation: 'decrypt', per: 'tenant', limit: 1, windowSeconds: 60 },
    )
    expect(await encrypt(kms)).toBe('QUOTA_EXCEEDED')
    await kms.quotas.remove({ operation: 'encrypt', name: 'z-all' })
    const { ciphertext } = await kms.encrypt({ key: 'k', plaintext: 'x' })
    await expectCode(kms.decrypt({ ciphertext, context: { another: 'one' } }), 'INVALID_CIPHERTEXT')
    await expectCode(kms.as('nobody').decrypt({ ciphertext }), 'ACCESS_DENIED')
    expect((await kms.decrypt({ ciphertext })).plaintext.toString()).toBe('x')
    await expectCode(kms.decrypt({ ciphertext }), 'QUOTA_EXCEEDED')
    expect(
      (await db.rows('quota_uses')).map(({ operation, subject }) => `${String(operation)} ${String(subject)}`),
    ).toEqual(['decrypt *', 'encrypt owner'])
  })

  test('counts each item of a many-verb, which is done as a whole or not at all', async () => {
    const world = await worldWith({ ...perApp, limit: 10 })
    const { kms } = world
    const items = (count: number): { plaintext: string; key: string }[] =>
      Array.from({ length: count }, () => ({ plaintext: 'x', key: 'k' }))
    expect((await kms.encryptMany({ items: items(8) })).items.every(({ ok }) => ok)).toBe(true)
    const records = await recordsOf(world, async () => {
      await expectCode(kms.encryptMany({ items: items(3) }), 'QUOTA_EXCEEDED')
    })
    expect(records).toMatchObject([{ status: 'FAILURE', code: 'QUOTA_EXCEEDED', counts: { ok: 0, failed: 3 } }])
    expect((await kms.encryptMany({ items: items(2) })).items.every(({ ok }) => ok)).toBe(true)
    expect(await encrypt(kms)).toBe('QUOTA_EXCEEDED')
    const never = await settle(kms.encryptMany({ items: items(11) }))
    expect(isKmsError(never) && never instanceof QuotaExceededError && never.retryAt).toBeUndefined()
  })

  test('counts a stream once, and both sides of a re-encryption', async () => {
    const { kms } = await worldWith(
      { ...perApp, limit: 2 },
      { operation: 'reEncryptTo', per: 'tenant', limit: 1, windowSeconds: 60 },
    )
    const { ciphertext } = await kms.encrypt({ key: 'k', plaintext: 'x' })
    const through = async (): Promise<string> =>
      outcomeOf(new Response(new Blob(['abc']).stream().pipeThrough(kms.encryptStream({ key: 'k' }))).arrayBuffer())
    expect(await through()).toBe('ok')
    expect(await through()).not.toBe('ok')
    expect(await outcomeOf(kms.reEncrypt({ ciphertext }))).toBe('ok')
    expect(await outcomeOf(kms.reEncrypt({ ciphertext }))).toBe('QUOTA_EXCEEDED')
  })

  test('holds at once in processes that knew of none', async () => {
    const { kms, again } = await worldWith()
    const other = await again()
    expect(await encrypt(other)).toBe('ok')
    await kms.quotas.set({ ...perApp, limit: 0 })
    expect(await encrypt(other)).toBe('QUOTA_EXCEEDED')
    await kms.quotas.remove({ operation: 'encrypt' })
    expect(await encrypt(other)).toBe('ok')
  })

  test('of more than a thousand never lets through more in any window, and not much less', async () => {
    const waits = fc.array(fc.tuple(fc.integer({ min: 0, max: 20_000 }), fc.integer({ min: 1, max: 900 })), {
      minLength: 5,
      maxLength: 12,
    })
    await fc.assert(
      fc.asyncProperty(waits, async (steps) => {
        const { kms, clock } = await worldWith({ ...perApp, operation: 'generateRandom', limit: 1500 })
        const done: [time: number, count: number][] = []
        for (const [wait, count] of steps) {
          clock.advance(wait)
          const ready = (await outcomes(count, async () => outcomeOf(kms.generateRandom({ numberOfBytes: 1 })))).filter(
            (outcome) => outcome === 'ok',
          ).length
          const within = (ms: number): number =>
            done.filter(([time]) => time > clock.now() - ms).reduce((sum, [, each]) => sum + each, 0)
          expect(ready + within(minute)).toBeLessThanOrEqual(1500)
          // Times are rounded by a thousandth of the window.
          expect(ready).toBeGreaterThanOrEqual(Math.min(count, 1500 - within(minute + 60)))
          done.push([clock.now(), ready])
        }
      }),
      { numRuns: 3 },
    )
  })

  test('of more than a thousand has room again a thousandth of its window later at most, and never earlier', async () => {
    const { kms, clock } = await worldWith({ ...perApp, operation: 'generateRandom', limit: 1500 })
    const random = async (count: number): Promise<string[]> =>
      outcomes(count, async () => outcomeOf(kms.generateRandom({ numberOfBytes: 1 })))
    clock.set(Math.ceil(clock.now() / 60) * 60 + 59)
    const start = clock.now()
    expect(new Set(await random(1500))).toEqual(new Set(['ok']))
    clock.set(start + minute - 1)
    expect(await random(1)).toEqual(['QUOTA_EXCEEDED'])
    clock.set(start + minute + 60)
    expect(await random(1)).toEqual(['ok'])
  })

  test('whose counts do not verify fails what it is on, and nothing else', async () => {
    const { kms, db, again } = await worldWith(perApp)
    await encrypt(kms)
    await db.plant('quota_uses', () => true, { times: '[1]' })
    const later = await again()
    const both = await Promise.all([encrypt(later), outcomeOf(later.generateRandom({ numberOfBytes: 1 }))])
    expect(both).toEqual(['STORAGE_TAMPERED', 'ok'])
  })

  test('that was decided in an attempt that failed is decided again in the next', async () => {
    const { again, clock } = await worldWith({ ...perApp, limit: 1 })
    let failures = 0
    const flaky = await again({}, async (verb) => {
      if (verb === 'transact' && failures-- > 0) throw new Error('not now')
    })
    expect(await encrypt(flaky)).toBe('ok')
    failures = 1
    expect(await encrypt(flaky)).toBe('QUOTA_EXCEEDED')
    clock.advance(minute)
    failures = 1
    expect(await encrypt(flaky)).toBe('ok')
    await turns(1)
  })
})
