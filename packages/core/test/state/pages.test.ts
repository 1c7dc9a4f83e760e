import { beforeEach, describe, expect, test } from 'vitest'
import { Alarm } from '../../src/state/tree/alarm.ts'
import { AuthenticReader } from '../../src/state/tree/authentic-reader.ts'
import { NodeCache } from '../../src/state/tree/node-cache.ts'
import { StateTree, type TreeParts } from '../../src/state/tree/state-tree.ts'
import type { StorageReader } from '../../src/storage/adapter.ts'
import type { Range, Row } from '../../src/storage/table.ts'
import { Shelf } from '../support/audit-storage.ts'
import { codeOf, small } from '../support/audit-world.ts'

const tenant = 'default'
const zeros = Buffer.alloc(32)
const names = ['a', 'b', '\u{e000}', '\u{1f600}']
const ofKeys = ['k1', 'k2', 'k3']

let shelf: Shelf
let root: Buffer
const treeOn = (reader: TreeParts['reader'], at: Buffer): StateTree =>
  new StateTree({ reader, tenant, root: at, nodes: new NodeCache(), alarm: new Alarm() })
const times = { createdAt: 0, createdBy: 'x', changedAt: 0, changedBy: 'x' }
const quotaRow = (name: string): Row => ({
  tenant,
  operation: 'encrypt',
  name,
  per: 'tenant',
  most: 1,
  windowSeconds: 1,
  ...times,
  rev: 1,
})

/** Quotas on one operation, which share a bucket, and labels of three keys, which do not. */
beforeEach(async () => {
  shelf = new Shelf()
  await shelf.tamper(async (tx) => {
    const tree = treeOn(tx, zeros)
    for (const name of names) await tx.insert('quotas', quotaRow(name))
    for (const keyId of ofKeys) await tx.insert('key_labels', { tenant, keyId, label: 'l', rev: 1 })
    for (const table of ['quotas', 'key_labels']) {
      for (const row of await tx.range(table, { prefix: [tenant], limit: 10 })) await tree.put(table, row)
    }
    await tree.write(tx)
    tree.keep()
    root = tree.root
  })
})

/** What a reader makes of a page, when the storage makes this of what it should show. */
async function page(table: string, range: Range, shown: (rows: Row[]) => Row[] = (rows) => rows): Promise<Row[]> {
  return shelf.read(async (inner) => {
    const lying: StorageReader = {
      get: async (of, key) => inner.get(of, key),
      range: async (of, asked) => shown(await inner.range(of, asked)),
    }
    return new AuthenticReader(lying, treeOn(inner, root)).range(table, range)
  })
}

const quotas = (range: Partial<Range> = {}): Range => ({ prefix: [tenant, 'encrypt'], limit: 10, ...range })
const labels = (range: Partial<Range> = {}): Range => ({
  index: 'by_label',
  prefix: [tenant, 'l'],
  limit: 10,
  ...range,
})

describe('F97 a page of rows that share a bucket', () => {
  test.each<[string, Partial<Range>, string[]]>([
    ['all of them', {}, names],
    ['the first', { limit: 2 }, names.slice(0, 2)],
    ['those after one', { after: ['b'] }, names.slice(2)],
    ['the last', { order: 'desc', limit: 1 }, names.slice(3)],
    ['those before one', { order: 'desc', after: ['b'] }, ['a']],
    ['none after the last', { after: [names[3] as string] }, []],
  ])('shows %s, in the order of storages, and nothing else', async (_, range, expected) => {
    expect((await page('quotas', quotas(range))).map(({ name }) => name)).toEqual(expected)
    for (const hidden of expected) {
      const without = page('quotas', quotas(range), (rows) => rows.filter(({ name }) => name !== hidden))
      expect(await codeOf(without)).toBe('STORAGE_TAMPERED')
    }
  })

  test('shows the newest where that is asked for, and not the one before it', async () => {
    const newest = quotas({ order: 'desc', limit: 1 })
    expect(await codeOf(page('quotas', newest, () => [quotaRow('b')]))).toBe('STORAGE_TAMPERED')
  })
})

describe('F97 a page of rows from all over', () => {
  test('shows rows in their order, each once', async () => {
    expect((await page('key_labels', labels())).map(({ keyId }) => keyId)).toEqual(ofKeys)
    const lies: ((rows: Row[]) => Row[])[] = [
      (rows) => rows.toReversed(),
      (rows) => [...rows, rows[2] as Row],
      (rows) => [rows[0] as Row, rows[2] as Row, rows[1] as Row],
    ]
    for (const lie of lies) expect(await codeOf(page('key_labels', labels(), lie))).toBe('STORAGE_TAMPERED')
  })

  test('shows none that are before where it begins, and no more than it was asked for', async () => {
    const all = await page('key_labels', labels())
    const [after, one] = [labels({ after: ['k1'] }), labels({ limit: 1 })]
    expect((await page('key_labels', after)).map(({ keyId }) => keyId)).toEqual(['k2', 'k3'])
    for (const range of [after, one]) {
      expect(await codeOf(page('key_labels', range, () => all))).toBe('STORAGE_TAMPERED')
    }
    expect(await codeOf(page('key_labels', labels({ prefix: [tenant, 'm'] }), () => all))).toBe('STORAGE_TAMPERED')
  })
})

describe('F97 a key of the log that somebody hides', () => {
  test('is not followed by the one before it, by a process that has not met it yet', async () => {
    const { world, kms } = await small()
    const other = await world.open()
    await kms.audit.rotateKey()
    const row = (await world.shelf.rows('secrets')).find(({ version }) => version === 2) as Row
    await world.shelf.tamper(async (tx) => tx.remove('secrets', [tenant, 'audit-signing', 2]))
    world.clock.advance(2000)
    expect(await codeOf(other.audit.checkpoint())).toBe('STORAGE_TAMPERED')
    expect(await codeOf(other.encrypt({ key: 'orders', plaintext: 'x' }))).toBe('STORAGE_TAMPERED')
    await world.shelf.tamper(async (tx) => tx.insert('secrets', row))
    await other.encrypt({ key: 'orders', plaintext: 'x' })
    await other.close()
    expect(await kms.audit.verify()).toMatchObject({ ok: true })
  })
})
