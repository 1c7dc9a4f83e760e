import { createKms, generateRootKey, localRootKey, type AuditAnchor, type Kms } from '@chatelaine/core'
import { fakeClock, type FakeClock } from '@chatelaine/core/testing'
import type { Row, StorageAdapter, StorageTransaction } from '@chatelaine/core/storage'
import { beforeEach, describe, expect, test } from 'vitest'
import { sharedMemory } from '../../../tests/support/shared-memory.ts'
import { checkInvariants } from '../src/index.ts'

const anchor: AuditAnchor = { name: 'kept', everyMs: 1e9, publish: async () => undefined }
let storage: StorageAdapter

/** Opens a house on a storage of its own, which stays open. */
async function open(): Promise<{ readonly kms: Kms; readonly clock: FakeClock }> {
  const clock = fakeClock()
  storage = sharedMemory()()
  const close = async (): Promise<void> => undefined
  const kept: StorageAdapter = {
    name: storage.name,
    open: (tables) => storage.open(tables),
    migrate: () => storage.migrate(),
    snapshot: (read) => storage.snapshot(read),
    transact: (tenant, write, options) => storage.transact(tenant, write, options),
    close,
  }
  const rootKey = localRootKey(generateRootKey())
  return { kms: await createKms({ storage: kept, rootKey, clock, timers: clock, anchors: [anchor] }), clock }
}

/** A log of which the beginning was pruned, with changes, a head and a checkpoint on either side of it. */
beforeEach(async () => {
  const { kms, clock } = await open()
  const work = async (name: string): Promise<void> => {
    await kms.keys.create({ name, spec: 'AES_256' })
    for (let at = 0; at < 200; at++) await kms.generateRandom({ numberOfBytes: 1 })
    clock.advance(1000)
    await kms.keys.disable({ key: name })
  }
  await work('before')
  await kms.audit.rotateKey()
  clock.advance(1000)
  await work('between')
  await kms.audit.anchor()
  await kms.audit.prune({ upTo: 300 })
  await gone(kms, 300)
  await work('after')
  await kms.keys.enable({ key: 'before' })
  await kms.close()
})

/** Waits until the records are gone. */
async function gone(kms: Kms, size: number): Promise<void> {
  while ((await rows('records'))[1]?.['seq'] !== size) await kms.generateRandom({ numberOfBytes: 1 })
}

const rows = async (table: string): Promise<Row[]> =>
  storage.snapshot(async (view) => view.range(table, { prefix: ['default'], limit: 1000 }))

const tamper = async (work: (tx: StorageTransaction) => Promise<unknown>): Promise<void> =>
  storage.transact('default', async (tx) => void (await work(tx)))

async function edit(table: string, key: readonly (string | number)[], change: object): Promise<void> {
  await tamper(async (tx) => {
    const row = (await tx.get(table, ['default', ...key])) as Row
    await tx.remove(table, ['default', ...key])
    await tx.insert(table, { ...row, ...change })
  })
}

describe('Of a log that was pruned the oracle', () => {
  test('finds nothing wrong where nothing is', async () => {
    expect(await checkInvariants(storage)).toEqual([])
  })

  test('finds nothing wrong where records that were pruned are still there', async () => {
    const [, first] = await rows('records')
    await tamper(async (tx) => tx.insert('records', { ...first, seq: 299, writerSeq: 1_000_000 } as Row))
    expect(await checkInvariants(storage)).toEqual([])
  })

  test('finds nothing wrong with a head and a checkpoint of the very size up to which it was pruned', async () => {
    const { kms, clock } = await open()
    for (const name of ['a', 'b', 'c', 'd']) {
      clock.advance(1000)
      await kms.keys.create({ name, spec: 'AES_256' })
    }
    await kms.audit.anchor()
    await kms.audit.prune({ upTo: 3 })
    await gone(kms, 3)
    for (const table of ['heads', 'checkpoints']) expect((await rows(table)).map(({ size }) => size)).toContain(3)
    expect(await checkInvariants(storage)).toEqual([])
    await edit('heads', [3], { frontier: Buffer.alloc(32) })
    expect((await checkInvariants(storage)).join()).toMatch(/head of size 3: frontier/)
    await kms.close()
  })

  test.each<[string, () => Promise<void>, RegExp]>([
    [
      'a record that is missing',
      async () => tamper(async (tx) => tx.remove('records', ['default', 310])),
      /record 311/,
    ],
    [
      'the first that is missing',
      async () => tamper(async (tx) => tx.remove('records', ['default', 300])),
      /record 301/,
    ],
    ['an edited record', async () => edit('records', [320], { text: '{}' }), /record 320/],
    ['an edited column', async () => edit('records', [320], { actor: 'eve' }), /record 320: the column actor/],
    [
      'another hash before the first',
      async () => edit('pruning', ['log'], { headHash: Buffer.alloc(32) }),
      /record 300/,
    ],
    ['another frontier', async () => edit('pruning', ['log'], { frontier: Buffer.alloc(160) }), /frontier/],
  ])('finds %s', async (_, attack, found) => {
    await attack()
    expect((await checkInvariants(storage)).join('\n')).toMatch(found)
  })

  test('finds a row of the state that is missing, touched before or after', async () => {
    for (const name of ['before', 'after']) {
      const key = (await rows('keys')).find((row) => row['name'] === name)
      await tamper(async (tx) => tx.remove('keys', ['default', String(key?.['id'])]))
      expect((await checkInvariants(storage)).length).toBeGreaterThan(0)
      await tamper(async (tx) => tx.insert('keys', key as Row))
    }
    expect(await checkInvariants(storage)).toEqual([])
  })
})
