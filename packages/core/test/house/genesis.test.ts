import { describe, expect, test } from 'vitest'
import { verifierKey } from '../../src/audit/checkpoint.ts'
import { createKms, type Kms, type RootKey } from '../../src/index.ts'
import { StorageConflict, StorageFailure } from '../../src/storage/errors.ts'
import type { StorageReader } from '../../src/storage/adapter.ts'
import { tables } from '../../src/storage/tables.ts'
import { Shelf } from '../support/audit-storage.ts'
import { codeOf, parseRow, rootKey, until, watch, World } from '../support/audit-world.ts'

const fail = (error: unknown) => async (): Promise<never> => {
  // oxlint-disable-next-line typescript/only-throw-error -- adapters may throw anything
  throw error
}

describe('the genesis of a tenant', () => {
  test('is one transaction: keyring, lock, secrets, record 0, head and checkpoint', async () => {
    const world = new World()
    let transactions = 0
    const kms = await world.open({
      between: {
        transact: async (next) => {
          transactions += 1
          return next()
        },
      },
    })
    expect(transactions).toBe(1)
    const rows = Object.fromEntries(
      await Promise.all(tables.map(async ({ name }) => [name, (await world.shelf.rows(name)).length] as const)),
    )
    expect(rows).toMatchObject({
      keyring: 1,
      locks: 1,
      secrets: 3,
      records: 1,
      heads: 1,
      checkpoints: 1,
      keys: 0,
      grants: 0,
    })
    expect(await kms.audit.verify()).toMatchObject({ ok: true, records: 1 })
  })

  test('fixes the origin of checkpoints, and names the key that signs them, in record 0', async () => {
    const world = new World()
    await world.open({ auditOrigin: 'example.com/kms' })
    const [record] = await world.chain()
    expect(record).toMatchObject({
      seq: 0,
      action: 'genesis',
      status: 'SUCCESS',
      actor: 'owner',
      role: 'admin',
      prev: '00'.repeat(32),
    })
    expect(record?.details).toEqual({
      origin: 'example.com/kms',
      stateRoot: expect.stringMatching(/^[0-9a-f]{64}$/),
      verifierKey: expect.stringMatching(/^example\.com\/kms\+[0-9a-f]{8}\+/),
    })
    const later = await world.open({ auditOrigin: 'example.com/other' })
    await later.generateRandom({ numberOfBytes: 1 })
    const notes = (await world.shelf.rows('checkpoints')).map((row) => (row['note'] as string).split('\n')[0])
    expect(new Set(notes)).toEqual(new Set(['example.com/kms']))
    expect(await later.audit.verify()).toMatchObject({ ok: true })
  })

  test('has an origin that belongs to nobody where none is given', async () => {
    const world = new World()
    await world.open({ tenant: 'acme' })
    const [row] = await world.shelf.rows('records', 'acme')
    const { details } = parseRow(row as never)
    expect(details).toMatchObject({ origin: 'chatelaine.invalid/acme' })
    expect(String(details?.['verifierKey']).startsWith('chatelaine.invalid/acme+')).toBe(true)
    expect(verifierKey('o', Buffer.alloc(32))).toMatch(/^o\+[0-9a-f]{8}\+AQ/)
  })

  test('happens once, however many begin at once on one storage', async () => {
    for (let round = 0; round < 5; round++) {
      const shelf = new Shelf()
      const open = async (): Promise<Kms> => createKms({ storage: shelf.adapter(), rootKey })
      const all = await Promise.all([open(), open(), open(), open()])
      const created = await Promise.all(
        all.map(async (kms, index) => kms.keys.create({ name: `k${index}`, spec: 'AES_256' })),
      )
      expect(await shelf.rows('keyring')).toHaveLength(1)
      expect((await shelf.rows('records')).map(parseRow).filter(({ action }) => action === 'genesis')).toHaveLength(1)
      for (const kms of all) {
        expect(await kms.audit.verify()).toMatchObject({ ok: true })
        const { ciphertext } = await kms.encrypt({ key: created[0]!.id as string, plaintext: 'shared' })
        expect((await all[3]!.decrypt({ ciphertext })).plaintext.toString()).toBe('shared')
      }
    }
  })

  test('of whoever comes second is thrown away unused', async () => {
    const world = new World()
    const wrapped: Uint8Array[] = []
    const spy: RootKey = {
      describe: rootKey.describe.bind(rootKey),
      unwrap: rootKey.unwrap.bind(rootKey),
      wrap: async (key, context) => {
        const result = await rootKey.wrap(key, context)
        wrapped.push(result)
        return result
      },
    }
    const first = await world.open()
    const reader = (real: StorageReader): StorageReader => ({
      get: async (table, key) => real.get(table, key),
      // Until it has made its own, the second sees nothing of the first.
      range: async (table, range) => (wrapped.length === 0 ? [] : real.range(table, range)),
    })
    const opening = watch(world.open({ rootKey: spy, between: { reader } }))
    await until(() => {
      world.clock.advance(1)
      return opening.state !== 'pending'
    })
    const { ciphertext } = await first.encrypt({
      key: (await first.keys.create({ spec: 'AES_256' })).id as string,
      plaintext: 'x',
    })
    expect((await opening.value!.decrypt({ ciphertext })).plaintext.toString()).toBe('x')
    expect(wrapped).toHaveLength(1)
    const [keyring, ...more] = await world.shelf.rows('keyring')
    expect(Buffer.compare(keyring!['wrapped'] as Uint8Array, wrapped[0]!)).not.toBe(0)
    expect(more).toEqual([])
  })

  test('is tried again after a failure for a moment, until the deadline', async () => {
    const world = new World()
    const failures = [
      new StorageConflict('somebody was faster'),
      new StorageFailure('busy', { transient: true, outcome: 'none' }),
    ]
    const opening = watch(
      world.open({ between: { transact: async (next) => (failures.length > 0 ? fail(failures.pop())() : next()) } }),
    )
    await until(() => {
      world.clock.advance(1)
      return opening.state !== 'pending'
    })
    expect(opening.state).toBe('done')
    const never = watch(
      new World(new Shelf(), world.clock).open({ between: { transact: fail(new StorageConflict('taken')) } }),
    )
    const began = world.clock.monotonic()
    await until(() => {
      world.clock.advance(50)
      return never.state !== 'pending'
    })
    expect(never.error).toMatchObject({ code: 'STORAGE_UNAVAILABLE' })
    expect(world.clock.monotonic() - began).toBeGreaterThanOrEqual(5000)
  })

  test('that fails for good says so at once, and the next start goes on from what is there', async () => {
    const world = new World()
    const broken = new StorageFailure('read-only', { transient: false, outcome: 'none' })
    expect(await codeOf(world.open({ between: { transact: fail(broken) } }))).toBe('STORAGE_UNAVAILABLE')
    expect(await world.shelf.rows('keyring')).toEqual([])
    const lost = async <T>(next: () => Promise<T>): Promise<T> => next().then(fail(new Error('lost')))
    expect(await codeOf(world.open({ between: { transact: lost } }))).toBe('STORAGE_UNAVAILABLE')
    expect(await world.shelf.rows('keyring')).toHaveLength(1)
    const kms = await world.open()
    expect(await kms.audit.verify()).toMatchObject({ ok: true })
  })
})

test('tenants of one storage have nothing in common but the storage', async () => {
  const world = new World()
  const kms = await world.open()
  expect(await codeOf(kms.tenant('acme'))).toBe('TENANT_NOT_FOUND')
  const acme = await kms.tenants.ensure('acme')
  await acme.keys.create({ name: 'orders', spec: 'AES_256' })
  const { ciphertext } = await acme.encrypt({ key: 'orders', plaintext: 'x' })
  expect(await codeOf(kms.decrypt({ ciphertext }))).not.toBeUndefined()
  expect((await (await kms.tenant('acme')).decrypt({ ciphertext })).plaintext.toString()).toBe('x')
  expect(await acme.audit.verify()).toMatchObject({ ok: true })
  expect(await kms.audit.verify()).toMatchObject({ ok: true })
  expect((await world.shelf.rows('keyring', 'acme')).length).toBe(1)
})
