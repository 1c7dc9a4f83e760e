import { beforeEach, describe, expect, test } from 'vitest'
import { Alarm } from '../../src/state/tree/alarm.ts'
import { AuthenticReader } from '../../src/state/tree/authentic-reader.ts'
import { listRows, type ListedRows } from '../../src/state/tree/listing.ts'
import { NodeCache } from '../../src/state/tree/node-cache.ts'
import { StateTree, type TreeParts } from '../../src/state/tree/state-tree.ts'
import type { StorageReader } from '../../src/storage/adapter.ts'
import type { Row } from '../../src/storage/table.ts'
import { Shelf } from '../support/audit-storage.ts'
import { codeOf, settle } from '../support/audit-world.ts'

const tenant = 'default'
const zeros = Buffer.alloc(32)

let shelf: Shelf
let root: Buffer
const treeOn = (reader: TreeParts['reader'], at: Buffer): StateTree =>
  new StateTree({ reader, tenant, root: at, nodes: new NodeCache(), alarm: new Alarm() })
const nameRow = (at: number): Row => ({
  tenant,
  space: 'key',
  name: `name ${at}`,
  target: 't',
  kind: 'name',
  rev: 1,
})
const importRow = (version: number): Row => {
  const times = { expiresAt: null, importedAt: 0, importedBy: 'x' }
  return { tenant, keyId: 'k', version, epoch: 1, fingerprint: Buffer.alloc(1), ...times, rev: 1 }
}

/** 450 names, each in a bucket of its own or in one with a few others, and what two buckets hold of one key. */
beforeEach(async () => {
  shelf = new Shelf()
  await shelf.tamper(async (tx) => {
    const tree = treeOn(tx, zeros)
    const rows = [
      ...Array.from({ length: 450 }, (_, at) => ['names', nameRow(at)] as const),
      ...Array.from({ length: 90 }, (_, at) => ['imports', importRow(at + 1)] as const),
    ]
    for (const [table, row] of rows) {
      await tx.insert(table, row)
      await tree.put(table, row)
    }
    await tree.write(tx)
    tree.keep()
    root = tree.root
  })
})

async function listAll(...tables: string[]): Promise<{ rows: Row[]; pages: number }> {
  const rows: Row[] = []
  let [from, pages]: [number | undefined, number] = [0, 0]
  for (; from !== undefined; pages++) {
    const start: number = from
    const read = async (reader: StorageReader): ReturnType<typeof listRows> =>
      listRows(new AuthenticReader(reader, treeOn(reader, root)), { tables: new Set(tables), from: start })
    const page = await shelf.read(read)
    if (page.problem !== undefined) throw page.problem
    rows.push(...page.items.map(({ row }) => row))
    from = page.next
  }
  return { rows, pages }
}

describe('F97 what the tree lists', () => {
  test('is every row of the tables that are asked for, once, page by page', async () => {
    const { rows, pages } = await listAll('names')
    expect(pages).toBe(5)
    expect(rows.map(({ name }) => name as string).toSorted()).toEqual(
      Array.from({ length: 450 }, (_, at) => `name ${at}`).toSorted(),
    )
    const versions = (await listAll('imports')).rows.map(({ version }) => version as number)
    expect(versions.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 90 }, (_, at) => at + 1))
    expect((await listAll('names', 'imports')).rows.length).toBe(540)
    expect((await listAll('keys')).rows).toEqual([])
  })

  test('is told apart by its type: a text of digits is no number that others come after', async () => {
    const labels = ['2', '10', '1'].map((label) => ({ tenant, keyId: 'k', label, rev: 1 }))
    await shelf.tamper(async (tx) => {
      const tree = treeOn(tx, root)
      for (const row of labels) {
        await tx.insert('key_labels', row)
        await tree.put('key_labels', row)
      }
      await tree.write(tx)
      tree.keep()
      root = tree.root
    })
    const { rows } = await listAll('key_labels')
    expect(rows.map(({ label }) => label as string).toSorted()).toEqual(['1', '10', '2'])
  })

  test('is nothing where there is nothing', async () => {
    root = zeros
    expect(await listAll('names')).toEqual({ rows: [], pages: 1 })
  })

  test.each(['names', 'imports'])('is missed where a row of %s is gone, or another', async (table) => {
    const row = table === 'names' ? nameRow(77) : importRow(88)
    const key = table === 'names' ? [tenant, 'key', 'name 77'] : [tenant, 'k', 88]
    await shelf.tamper(async (tx) => tx.remove(table, key))
    expect(await codeOf(listAll(table))).toBe('STORAGE_TAMPERED')
    await shelf.tamper(async (tx) => tx.insert(table, { ...row, rev: 2 }))
    expect(await codeOf(listAll(table))).toBe('STORAGE_TAMPERED')
    await shelf.edit(table, key, () => row)
    expect(await codeOf(listAll(table))).toBeUndefined()
  })

  test('is all the rest, where one is gone or another', async () => {
    await shelf.tamper(async (tx) => tx.remove('imports', [tenant, 'k', 3]))
    await shelf.edit('imports', [tenant, 'k', 5], (was) => ({ ...was, expiresAt: 7 }))
    const list = async (unchecked?: (row: Row) => boolean): ReturnType<typeof listRows> =>
      shelf.read(async (reader) => {
        const on = new AuthenticReader(reader, treeOn(reader, root))
        for (let from: number | undefined = 0; from !== undefined;) {
          const page: ListedRows = await listRows(on, { tables: new Set(['imports']), from, unchecked })
          if (page.items.length > 50) return page
          from = page.next
        }
        throw new Error('there is no such page')
      })
    const page = await list()
    expect([page.items.length, page.problem?.message]).toEqual([61, expect.stringContaining('["k",3]')])
    // What is not checked here is there as it is; what is not there is told in any case.
    const believed = await list(() => true)
    expect([believed.items.length, believed.problem?.message]).toEqual([62, expect.stringContaining('["k",3]')])
    expect(believed.items.find(({ key }) => key[1] === 5)?.row['expiresAt']).toBe(7)
  })

  test.each([0, 1, 2, 3, 4])('is missed where a node of level %i is gone with all below it', async (level) => {
    const nodes = (await shelf.rows('state_tree')).filter((row) => row['level'] === level)
    const row = nodes.at(-1) as Row
    await shelf.tamper(async (tx) => tx.remove('state_tree', [tenant, level, row['place'] as number]))
    expect(await codeOf(listAll('names'))).toBe('STORAGE_TAMPERED')
  })
})

test('F97 a bucket that does not verify is told of when nothing is read any more', async () => {
  let underWay = 0
  let asked = 0
  const nodes = new NodeCache()
  const reader = (inner: StorageReader): StorageReader => ({
    range: async (table, range) => inner.range(table, range),
    get: async (table, key) => {
      if (table !== 'state_tree' || key[1] !== 4) return inner.get(table, key)
      underWay += 1
      asked += 1
      // The first one is another, and known before any of the others.
      const row = asked === 1 ? undefined : await inner.get(table, key)
      if (asked > 1) await settle(3)
      underWay -= 1
      return row
    },
  })
  await shelf.read(async (inner) => {
    const tree = new StateTree({ reader: reader(inner), tenant, root, nodes, alarm: new Alarm() })
    const listing = listRows(new AuthenticReader(reader(inner), tree), { tables: new Set(['names']), from: 0 })
    expect(await codeOf(listing)).toBe('STORAGE_TAMPERED')
    expect([asked, underWay]).toEqual([100, 0])
  })
})
