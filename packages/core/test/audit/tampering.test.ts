import { beforeEach, describe, expect, test } from 'vitest'
import { headRow, openHead, type Head } from '../../src/audit/head.ts'
import { inspectKms, type Kms } from '../../src/index.ts'
import { secretKey } from '../../src/crypto/secret-key.ts'
import type { Row } from '../../src/storage/table.ts'
import { codeOf, rootKey, World } from '../support/audit-world.ts'

let world: World
let kms: Kms
beforeEach(async () => {
  world = new World()
  kms = await world.open()
  await kms.keys.create({ name: 'orders', spec: 'AES_256' })
  await kms.grants.create({ principal: 'billing', key: 'orders', operations: ['encrypt'] })
  for (let index = 0; index < 5; index++) await kms.encrypt({ key: 'orders', plaintext: 'x' })
})

const use = async (by: Kms = kms) => codeOf(by.encrypt({ key: 'orders', plaintext: 'x' }))
const reopened = async () => codeOf(world.open())
const newest = async (): Promise<Row> => (await world.shelf.rows('heads')).at(-1) as Row
const sizeOf = (row: Row): number => row['size'] as number

/** Takes away everything after the chain was this long, and leaves a head of that time where there is one. */
async function truncate(size: number): Promise<void> {
  const found = await Promise.all(['records', 'heads', 'checkpoints'].map(async (table) => world.shelf.rows(table)))
  await world.shelf.tamper(async (tx) => {
    for (const row of found[0] as Row[]) {
      if ((row['seq'] as number) >= size) await tx.remove('records', ['default', row['seq'] as number])
    }
    for (const row of found[1] as Row[]) if (sizeOf(row) > size) await tx.remove('heads', ['default', sizeOf(row)])
    for (const row of found[2] as Row[])
      if (sizeOf(row) > size) await tx.remove('checkpoints', ['default', sizeOf(row)])
  })
}

describe('E81 a log that was cut while somebody works with it', () => {
  test.each([[1], [3], [6]])('by its last %i records, heads and all: nothing is done any more', async (count) => {
    const size = (await world.chain()).length
    await truncate(size - count)
    expect(await use()).toBe('ROLLBACK_DETECTED')
    expect(await codeOf(kms.keys.rotate({ key: 'orders' }))).toBe('ROLLBACK_DETECTED')
    expect(await codeOf(kms.keys.list())).toBe('ROLLBACK_DETECTED')
    expect(await kms.ops.health()).toMatchObject({ status: 'red', recorded: false, chain: undefined })
    expect(await world.chain()).toHaveLength(size - count)
  })

  test('and grew again elsewhere to the same length, is another chain', async () => {
    const size = (await world.chain()).length
    await truncate(size - 1)
    const other = await world.open()
    await other.generateRandom({ numberOfBytes: 1 })
    expect((await world.chain()).length).toBe(size)
    expect(await use()).toBe('STORAGE_TAMPERED')
  })

  test('to nothing', async () => {
    await truncate(0)
    expect(await use()).toBe('STORAGE_TAMPERED')
    expect(await reopened()).toBe('STORAGE_TAMPERED')
  })

  test('to an older copy of the whole database', async () => {
    const before = await world.shelf.copy()
    await kms.keys.disable({ key: 'orders' })
    world.shelf.memory = before.memory
    expect(await use()).toBe('ROLLBACK_DETECTED')
  })
})

describe('E81 a log that was cut while nobody looked', () => {
  test('with a checkpoint left of what is gone: is refused', async () => {
    const checkpoints = await world.shelf.rows('checkpoints')
    const longest = sizeOf(checkpoints.at(-1) as Row)
    await truncate(1)
    await world.shelf.tamper(async (tx) => {
      await tx.insert('checkpoints', checkpoints.at(-1) as Row)
      if ((await tx.get('heads', ['default', 1])) === undefined) throw new Error('the first head was trimmed')
    })
    expect(longest).toBeGreaterThan(1)
    expect(await reopened()).toBe('ROLLBACK_DETECTED')
  })

  test('with records left, or without the last one: is refused', async () => {
    const last = (await world.chain()).length - 1
    await world.shelf.tamper(async (tx) => tx.remove('records', ['default', last]))
    expect(await reopened()).toBe('STORAGE_TAMPERED')
  })

  test('without any head: is refused, never begun anew', async () => {
    for (const row of await world.shelf.rows('heads')) {
      await world.shelf.tamper(async (tx) => tx.remove('heads', ['default', sizeOf(row)]))
    }
    expect(await reopened()).toBe('STORAGE_TAMPERED')
    expect(await use()).toBe('STORAGE_TAMPERED')
  })
})

describe('E81 a head that was changed', () => {
  const flips: [string, (row: Row) => Partial<Record<string, unknown>>][] = [
    ['size', (row) => ({ size: sizeOf(row) + 1 })],
    ['revision', (row) => ({ revision: (row['revision'] as number) + 1 })],
    ['lastChange', () => ({ lastChange: 0 })],
    ['ts', (row) => ({ ts: (row['ts'] as number) + 1 })],
    ['epoch', () => ({ epoch: 2 })],
    ['headHash', () => ({ headHash: Buffer.alloc(32) })],
    ['lastChangeHash', () => ({ lastChangeHash: Buffer.alloc(32) })],
    ['stateRoot', () => ({ stateRoot: Buffer.alloc(32, 1) })],
    ['frontier', (row) => ({ frontier: Buffer.alloc((row['frontier'] as Uint8Array).length) })],
    ['mac', () => ({ mac: Buffer.alloc(32) })],
  ]

  test.each(flips)(
    'in its %s is refused by whoever works with it, at the next start, and by verification',
    async (_, flip) => {
      const row = await newest()
      await world.shelf.edit('heads', ['default', sizeOf(row)], (head) => ({ ...head, ...flip(head) }) as Row)
      expect(await use()).toBe('STORAGE_TAMPERED')
      expect(await reopened()).toBe('STORAGE_TAMPERED')
      const look = await inspectKms({ storage: world.shelf.adapter(), rootKey })
      expect(await look.audit.verify()).toMatchObject({ ok: false, problem: { kind: 'head' } })
      expect((await look.audit.list()).items.length).toBeGreaterThan(5)
    },
  )

  test('two of one size cannot be, and one of a larger size by somebody else is not believed', async () => {
    const row = await newest()
    const foreign = openHead(row, () => undefined)
    expect(foreign).toBeUndefined()
    const mine = headRow({ ...(row as unknown as Head), size: sizeOf(row) + 5 }, secretKey(Buffer.alloc(32, 9)))
    await world.shelf.tamper(async (tx) => tx.insert('heads', mine))
    expect(await use()).toBe('STORAGE_TAMPERED')
  })

  test('of another tenant is not believed', async () => {
    const other = await kms.tenants.ensure('other')
    await other.generateRandom({ numberOfBytes: 1 })
    const [, theirs] = await world.shelf.rows('heads', 'other')
    const row = await newest()
    await world.shelf.tamper(async (tx) => {
      await tx.remove('heads', ['default', sizeOf(row)])
      await tx.insert('heads', { ...(theirs as Row), tenant: 'default', size: sizeOf(row) })
    })
    expect(await use()).toBe('STORAGE_TAMPERED')
    expect(await codeOf(other.generateRandom({ numberOfBytes: 1 }))).toBeUndefined()
  })
})

describe('E80 the record of a change', () => {
  test('that another instance has to catch up with is checked', async () => {
    const other = await world.open()
    await kms.keys.update({ key: 'orders', description: 'changed' })
    const last = (await world.chain()).length - 1
    await world.shelf.edit('records', ['default', last], (row) => ({ ...row, text: `${row['text'] as string} ` }))
    expect(await use(other)).toBe('STORAGE_TAMPERED')
    expect(await codeOf(other.keys.get({ key: 'orders' }))).toBe('STORAGE_TAMPERED')
  })
})
