import { describe, expect, test } from 'vitest'
import { seededRandomness } from '../../src/testing.ts'
import { StorageFailure, type StorageAdapter, type StorageTransaction } from '../../src/storage.ts'
import { expectCode, makeWorld, moving, outcomeOf, type World } from '../support/kms.ts'
import { makeTarget } from '../support/verbs.ts'

/** A second process, before each of whose commits something happens elsewhere, as long as there is more to happen. */
async function disturbed(world: World, events: (() => Promise<unknown>)[], options = {}) {
  let commits = 0
  let armed = false
  const kms = await world.again(options, async (verb) => {
    if (!armed || verb !== 'transact') return
    commits += 1
    await events.shift()?.()
  })
  armed = true
  return { kms, commits: () => commits }
}

async function rotations(count: number) {
  const world = await makeWorld()
  const target = await makeTarget(world.kms, 'k')
  const rotate = async (): Promise<unknown> => world.kms.keys.rotate({ key: 'k' })
  const events = Array.from({ length: count }, () => rotate)
  return { ...world, ...target, world, events }
}

describe('a use that is overtaken by changes', () => {
  test('is done again with what is current, and recorded once', async () => {
    const { world, events, db, id } = await rotations(1)
    const { kms, commits } = await disturbed(world, events)
    const { ciphertext, keyVersion } = await kms.encrypt({ key: 'k', plaintext: 'x' }, { requestId: 'r' })
    expect([keyVersion, ciphertext.readUInt32BE(20), commits()]).toEqual([2, 2, 2])
    const records = (await db.records()).filter(({ requestId }) => requestId === 'r')
    expect(records).toMatchObject([{ action: 'encrypt', status: 'SUCCESS', keyId: id, keyVersion: 2 }])
  })

  test('without end is done under the lock at the third try, so that it is not starved', async () => {
    const { world, events } = await rotations(50)
    const { kms, commits } = await disturbed(world, events)
    const { ciphertext, keyVersion } = await kms.encrypt({ key: 'k', plaintext: 'x', context: { a: 'b' } })
    expect([keyVersion, ciphertext.readUInt32BE(20), commits()]).toEqual([4, 4, 3])
    events.length = 0
    expect((await kms.decrypt({ ciphertext, context: { a: 'b' } })).plaintext.toString()).toBe('x')
    expect(await kms.audit.verify()).toMatchObject({ ok: true })
  })

  test('is judged by what stands when it is done under the lock', async () => {
    const { world, events, db } = await rotations(2)
    events.push(async () => world.kms.keys.disable({ key: 'k' }))
    const { kms, commits } = await disturbed(world, events)
    await expectCode(kms.encrypt({ key: 'k', plaintext: 'x' }), 'INVALID_KEY_STATE')
    expect(commits()).toBe(3)
    expect((await db.records()).at(-1)).toMatchObject({ action: 'encrypt', code: 'INVALID_KEY_STATE' })
  })

  test('leaves nothing of what was done in vain', async () => {
    const { world, events } = await rotations(10)
    const made: Uint8Array[] = []
    const seeded = seededRandomness('in vain')
    const fill = (bytes: Uint8Array): void => {
      seeded.fill(bytes)
      if (bytes.byteLength === 32) made.push(bytes)
    }
    const { kms } = await disturbed(world, events, { random: { uuid: seeded.uuid, fill } })
    const { plaintext } = await kms.generateDataKey({ key: 'k' })
    expect(made.length).toBeGreaterThanOrEqual(3)
    expect(made.filter((bytes) => bytes.some((byte) => byte !== 0))).toEqual([plaintext])
  })

  test('ends where its caller gives up', async () => {
    const { world, events } = await rotations(1)
    const controller = new AbortController()
    events.push(async () => controller.abort())
    const { kms } = await disturbed(world, events)
    await expectCode(kms.encrypt({ key: 'k', plaintext: 'x' }, { signal: controller.signal }), 'ABORTED')
  })

  test('under the lock is not done, nor recorded, once nobody waits for it: its request is wiped', async () => {
    const { world, events, db } = await rotations(2)
    const controller = new AbortController()
    events.push(async () => controller.abort())
    const { kms, commits } = await disturbed(world, events)
    const call = { signal: controller.signal, requestId: 'r' }
    const given = expectCode(kms.encrypt({ key: 'k', plaintext: 'x' }, call), 'ABORTED')
    // Somebody else waits for the same transaction, so that it goes on.
    const { keyVersion } = await kms.encrypt({ key: 'k', plaintext: 'y' })
    await given
    expect([keyVersion, commits()]).toEqual([3, 3])
    expect((await db.records()).filter(({ requestId }) => requestId === 'r')).toEqual([])
  })

  test('under the lock fails with the storage, and is tried again where that may help', async () => {
    const { world, events, db } = await rotations(3)
    let failures = 1
    let commits = 0
    const storage: StorageAdapter = {
      ...db.connect(),
      transact: async (tenant, write, options) => {
        await events.shift()?.()
        commits += 1
        return db.connect().transact(tenant, async (tx) => write(commits === 3 ? failing(tx) : tx), options)
      },
    }
    const failing = (tx: StorageTransaction): StorageTransaction => ({
      get: async (table, key) => {
        if (table === 'versions' && failures-- > 0)
          throw new StorageFailure('gone', { transient: true, outcome: 'none' })
        return tx.get(table, key)
      },
      range: tx.range.bind(tx),
      insert: tx.insert.bind(tx),
      replace: tx.replace.bind(tx),
      remove: tx.remove.bind(tx),
      append: tx.append.bind(tx),
      savepoint: tx.savepoint.bind(tx),
    })
    const kms = await world.again({ storage })
    const { keyVersion } = await moving(world.clock, kms.encrypt({ key: 'k', plaintext: 'x' }))
    expect([keyVersion, commits]).toEqual([4, 4])
    expect(failures).toBeLessThan(1)
    expect((await db.records()).filter(({ action, status }) => action === 'encrypt' && status === 'FAILURE')).toEqual(
      [],
    )
  })
})

test('a read that is overtaken is done again outside the lock, as often as it takes', async () => {
  const world = await makeWorld()
  await makeTarget(world.kms, 'k')
  const grant = { principal: 'app', key: 'k', operations: ['describeKey'] as const }
  let held = await world.kms.grants.create(grant)
  const take = async (): Promise<unknown> => world.kms.grants.revoke({ grant: held.id })
  const give = async (): Promise<unknown> => (held = await world.kms.grants.create(grant))
  const { kms, commits } = await disturbed(world, [take, give, take, give, take])
  expect(await outcomeOf(kms.as('app').keys.get({ key: 'k' }))).toBe('ACCESS_DENIED')
  expect(commits()).toBe(6)
  const told = (await world.db.records()).filter(({ actor }) => actor === 'app')
  expect(told).toMatchObject([{ action: 'describeKey', status: 'DENIED' }])
})
