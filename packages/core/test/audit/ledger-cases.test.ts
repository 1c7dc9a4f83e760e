import { beforeEach, describe, expect, test } from 'vitest'
import type { AuditRecord, Kms } from '../../src/index.ts'
import { codeOf, settle, until, World } from '../support/audit-world.ts'

let world: World
let kms: Kms
let keyId: string

beforeEach(async () => {
  world = new World()
  kms = await world.open()
  keyId = (await kms.keys.create({ name: 'orders', spec: 'AES_256' })).id as string
  await kms.encrypt({ key: 'orders', plaintext: 'warm the caches' })
})

/** Occupies the ledger with one batch, so that everything started in `work` waits for the next one, together. */
async function inOneBatch(work: () => void): Promise<void> {
  const { gate } = world
  gate.shut()
  const arrived = gate.arrived
  const first = kms.generateRandom({ numberOfBytes: 1 })
  await until(() => gate.arrived > arrived)
  work()
  await settle()
  gate.lift()
  await first
}

/** The sizes of the chain after each batch: records between two of them were written together. */
async function batchesOf(records: readonly AuditRecord[]): Promise<number> {
  const sizes = (await world.shelf.rows('heads')).map((row) => row['size'] as number)
  return new Set(records.map(({ seq }) => sizes.find((size) => size > seq))).size
}

describe('one batch', () => {
  test('a use and a revocation that wait together: the use is linked first, and the next one is refused', async () => {
    let revoking: Promise<unknown> | undefined
    let using: ReturnType<typeof kms.encrypt> | undefined
    await inOneBatch(() => {
      revoking = kms.keys.revoke({ key: 'orders', reason: 'leaked' })
      using = kms.encrypt({ key: 'orders', plaintext: 'in time' }, { requestId: 'together' })
    })
    expect((await using)?.keyVersion).toBe(1)
    await revoking
    const chain = await world.chain()
    const use = chain.find((record) => record.requestId === 'together') as AuditRecord
    const revocation = chain.find((record) => record.action === 'revokeKey') as AuditRecord
    expect(use.status).toBe('SUCCESS')
    expect(use.seq).toBeLessThan(revocation.seq)
    expect(await batchesOf([use, revocation])).toBe(1)
    expect(await codeOf(kms.encrypt({ key: 'orders', plaintext: 'too late' }))).toBe('INVALID_KEY_STATE')
    expect((await world.chain()).at(-1)).toMatchObject({
      action: 'encrypt',
      status: 'FAILURE',
      reason: 'the key is Revoked',
    })
  })

  test('a change whose author was deactivated by the change before it is denied, and changes nothing', async () => {
    const bob = kms.as({ id: 'bob', role: 'admin' })
    const late = [] as Promise<string | undefined>[]
    let before: Promise<unknown> | undefined
    await inOneBatch(() => {
      before = bob.keys.create({ name: 'before', spec: 'AES_256' })
      void kms.principals.deactivate({ principal: 'bob', reason: 'left' })
      late.push(codeOf(bob.keys.create({ name: 'after', spec: 'AES_256' })))
      late.push(codeOf(bob.keys.disable({ key: 'orders' })))
    })
    expect(await Promise.all(late)).toEqual(['ACCESS_DENIED', 'ACCESS_DENIED'])
    await before
    const records = (await world.chain()).slice(-4)
    expect(records.map(({ action, status }) => `${action} ${status}`)).toEqual([
      'createKey SUCCESS',
      'deactivatePrincipal SUCCESS',
      'createKey DENIED',
      'disableKey DENIED',
    ])
    expect(await batchesOf(records)).toBe(1)
    expect(records.map(({ change }) => change?.revision !== undefined)).toEqual([true, true, false, false])
    expect(records[2]?.reason).toBe('the principal is deactivated')
    expect((await kms.keys.get({ key: 'orders' })).state).toBe('Enabled')
    expect(await codeOf(kms.keys.get({ key: 'after' }))).toBe('KEY_NOT_FOUND')
  })

  test('a name that is taken among 50 good changes fails alone', async () => {
    const names = Array.from({ length: 51 }, (_, index) => (index === 25 ? 'key-3' : `key-${index}`))
    let creating: Promise<string | undefined>[] = []
    await inOneBatch(() => {
      creating = names.map(async (name) => codeOf(kms.keys.create({ name, spec: 'AES_256' })))
    })
    const codes = await Promise.all(creating)
    expect(codes.map((code, index) => (code === undefined ? '' : `${index} ${code}`)).join('')).toBe('25 NAME_TAKEN')
    const created = (await world.recordsOf('createKey')).slice(1)
    expect(created).toHaveLength(51)
    expect(await batchesOf(created)).toBe(1)
    expect(created.map(({ status }) => status).filter((status) => status === 'SUCCESS')).toHaveLength(50)
    expect(created[25]).toMatchObject({ status: 'FAILURE', code: 'NAME_TAKEN' })
    expect(created[25]?.change).toBeUndefined()
    const revisions = created.flatMap(({ change }) => (change === undefined ? [] : [change.revision]))
    expect(revisions).toEqual(Array.from({ length: 50 }, (_, index) => revisions[0]! + index))
    expect((await kms.keys.list({ limit: 500 })).items).toHaveLength(51)
    expect(await kms.audit.verify()).toMatchObject({ ok: true })
  })
})

describe('what ends while a use waits', () => {
  const day = 86_400_000

  /** A use that is done, and waits for its record until `meanwhile` has happened. */
  async function whileWaiting<T>(use: () => Promise<T>, meanwhile: () => unknown): Promise<T> {
    world.gate.shut()
    const arrived = world.gate.arrived
    const using = use()
    await until(() => world.gate.arrived > arrived)
    await meanwhile()
    world.gate.lift()
    return using
  }

  test.each([
    [999, undefined],
    [1000, 'ACCESS_DENIED'],
    [1001, 'ACCESS_DENIED'],
  ])('a grant of a second, recorded after %i ms: %s', async (waited, expected) => {
    const expiresAt = new Date(world.clock.now() + 1000)
    await kms.grants.create({ principal: 'billing', key: 'orders', operations: ['encrypt'], expiresAt })
    const use = async () => codeOf(kms.as('billing').encrypt({ key: 'orders', plaintext: 'x' }))
    expect(await whileWaiting(use, () => world.clock.advance(waited))).toBe(expected)
    const records = (await world.recordsOf('encrypt')).filter(({ actor }) => actor === 'billing')
    expect(records).toHaveLength(1)
    expect(records[0]?.status).toBe(expected === undefined ? 'SUCCESS' : 'DENIED')
    expect(records[0]?.reason).toBe(expected === undefined ? undefined : 'the grant has expired')
  })

  test.each([
    [999, 'INVALID_KEY_STATE'],
    [1000, 'ACCESS_DENIED'],
  ])('a grant that ends while a refusal by state waits, recorded after %i ms: %s', async (waited, expected) => {
    const expiresAt = new Date(world.clock.now() + 1000)
    await kms.grants.create({ principal: 'billing', key: 'orders', operations: ['encrypt'], expiresAt })
    await kms.keys.disable({ key: 'orders' })
    const use = async () => codeOf(kms.as('billing').encrypt({ key: 'orders', plaintext: 'x' }))
    expect(await whileWaiting(use, () => world.clock.advance(waited))).toBe(expected)
    expect((await world.recordsOf('encrypt')).at(-1)).toMatchObject({ actor: 'billing', code: expected })
  })

  test.each([
    [-1, undefined],
    [0, 'INVALID_KEY_STATE'],
  ])('the grace of a retired version, %i ms from its end: %s', async (offset, expected) => {
    await kms.keys.update({ key: 'orders', gracePeriodDays: 1 })
    const { ciphertext } = await kms.encrypt({ key: 'orders', plaintext: 'x' })
    await kms.keys.rotate({ key: 'orders' })
    world.clock.advance(day - 1000)
    const use = async () => codeOf(kms.decrypt({ ciphertext }))
    expect(await whileWaiting(use, () => world.clock.advance(1000 + offset))).toBe(expected)
  })

  test.each<[string, (other: Kms, grant: string) => Promise<unknown>, string]>([
    [
      'the principal is deactivated',
      async (other) => other.principals.deactivate({ principal: 'billing' }),
      'ACCESS_DENIED',
    ],
    ['the grant is revoked', async (other, grant) => other.grants.revoke({ grant }), 'ACCESS_DENIED'],
    ['the key is disabled', async (other) => other.keys.disable({ key: 'orders' }), 'INVALID_KEY_STATE'],
    ['the key is revoked', async (other) => other.keys.revoke({ key: 'orders', reason: 'x' }), 'INVALID_KEY_STATE'],
    [
      'the version is revoked',
      async (other) => other.keys.revoke({ key: 'orders', version: 1, reason: 'x' }),
      'INVALID_KEY_STATE',
    ],
    ['the key awaits deletion', async (other) => other.keys.scheduleDeletion({ key: 'orders' }), 'INVALID_KEY_STATE'],
  ])('in another instance %s: the use is refused, and no success recorded after it', async (_, change, expected) => {
    const other = await world.open({ between: {} })
    const { id } = await kms.grants.create({ principal: 'billing', key: 'orders', operations: ['encrypt'] })
    const billing = kms.as('billing')
    await billing.encrypt({ key: 'orders', plaintext: 'allowed' })
    const use = async () => codeOf(billing.encrypt({ key: 'orders', plaintext: 'x' }))
    expect(await whileWaiting(use, async () => change(other, id))).toBe(expected)
    const last = (await world.chain()).at(-1) as AuditRecord
    expect(last).toMatchObject({ actor: 'billing', action: 'encrypt', code: expected })
    // Whoever is let in nowhere is refused before anything is looked up.
    if (last.reason !== 'the principal is deactivated') expect(last.keyId).toBe(keyId)
    expect(last.status).toBe(expected === 'ACCESS_DENIED' ? 'DENIED' : 'FAILURE')
    const denials = (await world.chain()).filter(({ actor, status }) => actor === 'billing' && status !== 'SUCCESS')
    expect(denials).toHaveLength(1)
    expect(await kms.audit.verify()).toMatchObject({ ok: true })
  })

  test('in another instance the key is rotated: done again with version 2, and recorded once', async () => {
    const other = await world.open({ between: {} })
    const use = async () => kms.encrypt({ key: 'orders', plaintext: 'kept' }, { requestId: 'redone' })
    const { ciphertext, keyVersion } = await whileWaiting(use, async () => other.keys.rotate({ key: 'orders' }))
    expect(keyVersion).toBe(2)
    expect(ciphertext.readUInt32BE(20)).toBe(2)
    const records = (await world.chain()).filter(({ requestId }) => requestId === 'redone')
    expect(records).toHaveLength(1)
    expect(records[0]).toMatchObject({ status: 'SUCCESS', keyVersion: 2 })
    expect((await other.decrypt({ ciphertext })).plaintext.toString()).toBe('kept')
  })

  test('in another instance something else moves: nothing is done again', async () => {
    const other = await world.open({ between: {} })
    const use = async () => kms.encrypt({ key: 'orders', plaintext: 'kept' })
    const { keyVersion } = await whileWaiting(use, async () => other.keys.create({ name: 'else', spec: 'AES_256' }))
    expect(keyVersion).toBe(1)
    expect((await world.recordsOf('encrypt')).filter(({ status }) => status === 'SUCCESS')).toHaveLength(2)
  })

  test('in another instance the missing grant is made: the refusal is decided again', async () => {
    const other = await world.open({ between: {} })
    const use = async () => codeOf(kms.as('billing').encrypt({ key: 'orders', plaintext: 'x' }))
    const grant = async () => other.grants.create({ principal: 'billing', key: 'orders', operations: ['encrypt'] })
    expect(await whileWaiting(use, grant)).toBeUndefined()
    expect((await world.recordsOf('encrypt')).map(({ status }) => status)).toEqual(['SUCCESS', 'SUCCESS'])
  })
})
