import { describe, expect, test } from 'vitest'
import type { AuditUnavailableError, Kms } from '../../src/index.ts'
import { seededRandomness } from '../../src/testing.ts'
import { StorageFailure } from '../../src/storage.ts'
import { expectCode, makeGate, makeWorld, moving, recordsOf, settle, turns, type World } from '../support/kms.ts'

/** A world whose randomness can be made to fail. */
async function withRandomness(thrown: unknown): Promise<World & { fail: (yes: boolean) => void }> {
  const seeded = seededRandomness('failing')
  let failing = false
  const fill = (bytes: Uint8Array): void => {
    if (failing) throw thrown
    seeded.fill(bytes)
  }
  const world = await makeWorld({ random: { uuid: seeded.uuid, fill } })
  await world.kms.keys.create({ name: 'k', spec: 'AES_256' })
  return { ...world, fail: (yes) => void (failing = yes) }
}

/** A world whose storage can be made to fail. */
async function withStorage(
  error: () => Error,
): Promise<World & { fail: (verb: 'transact' | 'snapshot' | '') => void }> {
  let failing = ''
  const world = await makeWorld({}, (verb) => {
    if (verb === failing) throw error()
  })
  await world.kms.keys.create({ name: 'k', spec: 'AES_256' })
  return { ...world, fail: (verb) => void (failing = verb) }
}

const gone = (): Error => new StorageFailure('gone', { transient: false, outcome: 'none' })

describe('what fails without being an error of ours', () => {
  test('A12 in a use comes out as it is, gives no result, and is recorded as unexpected', async () => {
    const broken = new Error('no entropy')
    const world = await withRandomness(broken)
    world.fail(true)
    for (const use of [
      async () => world.kms.encrypt({ key: 'k', plaintext: 'x' }, { requestId: 'r' }),
      async () => world.kms.generateDataKey({ key: 'k' }),
      async () => world.kms.generateRandom({ numberOfBytes: 8 }),
      async () => world.kms.encryptMany({ items: [{ key: 'k', plaintext: 'x' }] }),
    ]) {
      const records = await recordsOf(world, async () => {
        expect(await settle(use())).toBe(broken)
        expect(broken).not.toHaveProperty('requestId')
      })
      expect(records).toMatchObject([{ status: 'FAILURE', reason: 'unexpected error' }])
      expect(records[0]).not.toHaveProperty('code')
    }
    world.fail(false)
    expect((await world.kms.encrypt({ key: 'k', plaintext: 'x' })).keyVersion).toBe(1)
    expect(await world.kms.audit.verify()).toMatchObject({ ok: true })
  })

  test('A12 in a use by nothing at all is an error nevertheless', async () => {
    const world = await withRandomness(undefined)
    world.fail(true)
    const records = await recordsOf(world, async () => {
      const error = await settle(world.kms.encrypt({ key: 'k', plaintext: 'x' }))
      expect((error as Error).message).toBe('an operation failed without saying why')
    })
    expect(records).toMatchObject([{ action: 'encrypt', status: 'FAILURE', reason: 'unexpected error' }])
  })

  test('A12 in a change comes out as it is, leaves nothing, fails nobody else, and is recorded as unexpected', async () => {
    const broken = new Error('no entropy')
    const world = await withRandomness(broken)
    const { kms, db } = world
    world.fail(true)
    const records = await recordsOf(world, async () => {
      const other = kms.keys.update({ key: 'k', description: 'other' })
      expect(await settle(kms.keys.rotate({ key: 'k' }))).toBe(broken)
      expect((await other).description).toBe('other')
    })
    expect(records.map(({ action, status, reason }) => [action, status, reason])).toEqual([
      ['updateKey', 'SUCCESS', undefined],
      ['rotateKey', 'FAILURE', 'unexpected error'],
    ])
    expect(records[1]).not.toHaveProperty('change')
    expect(await db.rows('versions')).toHaveLength(1)
    world.fail(false)
    expect((await kms.keys.rotate({ key: 'k' })).currentVersion).toBe(2)
  })
})

describe('where the record cannot be written', () => {
  const uses: readonly [string, (kms: Kms) => Promise<unknown>][] = [
    ['encrypt', async (kms) => kms.encrypt({ key: 'k', plaintext: 'x' })],
    ['generateDataKey', async (kms) => kms.generateDataKey({ key: 'k' })],
    ['keys.get', async (kms) => kms.keys.get({ key: 'k' })],
    ['keys.list', async (kms) => kms.keys.list()],
    ['audit.list', async (kms) => kms.audit.list()],
    ['keys.rotate', async (kms) => kms.keys.rotate({ key: 'k' })],
    ['grants.list', async (kms) => kms.grants.list()],
  ]

  test.each(uses)('E71 %s gives no result', async (_, use) => {
    const world = await withStorage(gone)
    world.fail('transact')
    const records = await recordsOf(world, async () => {
      const error = (await expectCode(use(world.kms), 'AUDIT_UNAVAILABLE')) as AuditUnavailableError
      expect(error).toMatchObject({ outcome: 'none', retryable: true })
    })
    expect(records).toEqual([])
    world.fail('')
    expect(await settle(use(world.kms))).not.toBeInstanceOf(Error)
  })

  test('E71 a denial is not told either: nobody learns anything that is not on record', async () => {
    const world = await withStorage(gone)
    world.fail('transact')
    await expectCode(world.kms.as('nobody').encrypt({ key: 'k', plaintext: 'x' }), 'AUDIT_UNAVAILABLE')
    await expectCode(world.kms.encrypt({ key: 'none', plaintext: 'x' }), 'AUDIT_UNAVAILABLE')
  })

  test('P1 verification and health still answer, and say that they are not on record', async () => {
    const world = await withStorage(gone)
    const { kms } = world
    expect(await kms.ops.health()).toMatchObject({ status: 'green', recorded: true, storage: { ok: true } })
    expect(await kms.audit.verify()).toMatchObject({ ok: true, recorded: true })
    world.fail('transact')
    expect(await kms.ops.health()).toMatchObject({ status: 'red', recorded: false, storage: { ok: true } })
    expect(await kms.audit.verify()).toMatchObject({ ok: true, recorded: false })
    world.fail('snapshot')
    expect(await kms.ops.health()).toMatchObject({ status: 'red', storage: { ok: false, name: 'memory' } })
  })

  test('P1 but not to whoever may not ask', async () => {
    const world = await withStorage(gone)
    await world.kms.principals.deactivate({ principal: 'carl' })
    const carl = world.kms.as({ id: 'carl', role: 'admin' })
    await expectCode(carl.ops.health(), 'ACCESS_DENIED')
    world.fail('transact')
    await expectCode(carl.ops.health(), 'AUDIT_UNAVAILABLE')
    await expectCode(world.kms.as('nobody').audit.verify(), 'AUDIT_UNAVAILABLE')
    expect(await world.kms.as('nobody').ops.health()).toMatchObject({ recorded: false })
  })

  test('P1 nor to whoever has given up, or after closing', async () => {
    const gate = makeGate()
    const { kms } = await makeWorld({}, gate.hook)
    gate.shut()
    const controller = new AbortController()
    const asked = [kms.ops.health({ signal: controller.signal }), kms.audit.verify({}, { signal: controller.signal })]
    await turns()
    controller.abort()
    for (const answer of asked) await expectCode(answer, 'ABORTED')
    gate.open()
    await kms.close()
    await expectCode(kms.ops.health(), 'CLOSED')
    await expectCode(kms.audit.verify(), 'CLOSED')
  })

  test('E72 in time, because the storage hangs, there is no result after the deadline', async () => {
    const gate = makeGate()
    const { kms, clock, db } = await makeWorld({ deadlineMs: 50 }, gate.hook)
    await kms.keys.create({ name: 'k', spec: 'AES_256' })
    const before = await db.records()
    gate.shut()
    const error = await moving(
      clock,
      expectCode(kms.encrypt({ key: 'k', plaintext: 'x' }, { requestId: 'r' }), 'AUDIT_UNAVAILABLE'),
    )
    expect(error).toMatchObject({ requestId: 'r' })
    expect(await db.records()).toEqual(before)
    gate.open()
    expect((await kms.encrypt({ key: 'k', plaintext: 'x' })).keyVersion).toBe(1)
  })
})

describe('where the state cannot be read', () => {
  test('E71 the error is of ours, names the cause, and goes on record', async () => {
    const world = await withStorage(gone)
    let armed = false
    const later = await world.again({}, (verb) => {
      if (verb === 'snapshot' && armed) throw gone()
    })
    armed = true
    const records = await recordsOf(world, async () => {
      const error = await expectCode(later.encrypt({ key: 'k', plaintext: 'x' }), 'STORAGE_UNAVAILABLE')
      expect(error.message).toBe('the storage could not be read')
      expect(error.cause).toBeInstanceOf(StorageFailure)
      expect(error.retryable).toBe(true)
    })
    expect(records).toMatchObject([{ action: 'encrypt', status: 'FAILURE', code: 'STORAGE_UNAVAILABLE' }])
  })
})

describe('what a callback throws', () => {
  test('I121 comes out of the verification that called it, which is recorded, and nothing else breaks', async () => {
    const world = await withStorage(gone)
    const mine = new Error('mine')
    const records = await recordsOf(world, async () => {
      const request = {
        onProgress: () => {
          throw mine
        },
      }
      expect(await settle(world.kms.audit.verify(request))).toBe(mine)
    })
    expect(records).toMatchObject([{ action: 'verifyAudit', status: 'FAILURE', reason: 'unexpected error' }])
    expect(await world.kms.audit.verify()).toMatchObject({ ok: true })
  })
})

describe('a page of a list', () => {
  test('P3 is read anew where the right to it was lost while it was read', async () => {
    const gate = makeGate('snapshot')
    const world = await makeWorld()
    for (const name of ['a', 'b', 'c', 'd']) await world.kms.keys.create({ name, spec: 'AES_256' })
    const operations = ['listKeys', 'describeKey'] as const
    const { id } = await world.kms.grants.create({ principal: 'app', key: '*', operations })
    const other = await world.again({}, gate.hook)
    const pages = other.as('app').keys.list({ limit: 1 })[Symbol.asyncIterator]()
    await pages.next()
    gate.shut()
    const second = settle(pages.next())
    await turns()
    await world.kms.grants.revoke({ grant: id })
    gate.open()
    expect(await second).toMatchObject({ code: 'ACCESS_DENIED' })
  })

  test('P3 is the same page where something else changed', async () => {
    const gate = makeGate('snapshot')
    const world = await makeWorld()
    for (const name of ['a', 'b', 'c', 'd']) await world.kms.keys.create({ name, spec: 'AES_256' })
    const other = await world.again({}, gate.hook)
    const pages = other.keys.list({ limit: 1 })[Symbol.asyncIterator]()
    await pages.next()
    gate.shut()
    const second = settle(pages.next())
    await turns()
    await world.kms.keys.update({ key: 'a', description: 'changed' })
    gate.open()
    expect(await second).toMatchObject({ done: false, value: { spec: 'AES_256' } })
  })
})
