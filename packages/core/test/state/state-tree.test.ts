import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Alarm } from '../../src/state/tree/alarm.ts'
import { NodeCache } from '../../src/state/tree/node-cache.ts'
import { childOf, emptyNode, withChild } from '../../src/state/tree/node.ts'
import { bucketOf, lookupOf } from '../../src/state/tree/place.ts'
import { StateTree } from '../../src/state/tree/state-tree.ts'
import type { StorageTransaction } from '../../src/storage/adapter.ts'
import type { Row } from '../../src/storage/table.ts'
import { Shelf } from '../support/audit-storage.ts'

const zeros = Buffer.alloc(32)
const treeOn = (tx: Pick<StorageTransaction, 'get'>, root: Buffer, nodes = new NodeCache()): StateTree =>
  new StateTree({ reader: tx, tenant: 'default', root, nodes, alarm: new Alarm() })
const nameRow = (name: string, target = 't', rev = 1): Row => ({
  tenant: 'default',
  space: 'key',
  name,
  target,
  kind: 'name',
  rev,
})

describe('a node', () => {
  test('has the children that it was given, in whatever order', () => {
    const steps = fc.array(fc.tuple(fc.nat(31), fc.option(fc.uint8Array({ minLength: 32, maxLength: 32 }))))
    fc.assert(
      fc.property(steps, (given) => {
        const model = new Map<number, Uint8Array>()
        let node: Buffer = emptyNode
        for (const [at, hash] of given) {
          node = withChild(node, at, hash ?? undefined)
          if (hash === null) model.delete(at)
          else model.set(at, hash)
        }
        for (let at = 0; at < 32; at++) {
          const hash = model.get(at)
          expect(childOf(node, at)).toEqual(hash === undefined ? undefined : Buffer.from(hash))
        }
        expect(node.length).toBe(4 + 32 * model.size)
      }),
    )
  })
})

describe('the tree over the state', () => {
  test('is the same for the same rows, however they came to be, and nothing where there are none', async () => {
    const name = fc.constantFrom('a', 'b', 'c', 'd', 'e')
    const steps = fc.array(fc.tuple(name, fc.option(fc.nat(3)), fc.boolean()), { maxLength: 25 })
    await fc.assert(
      fc.asyncProperty(steps, async (given) => {
        const shelf = new Shelf()
        const model = new Map<string, Row>()
        let root: Buffer = zeros
        for (const [which, rev, keeps] of given) {
          await shelf.tamper(async (tx) => {
            const tree = treeOn(tx, root)
            const row = nameRow(which, 't', rev ?? 0)
            await tx
              .savepoint(async () => {
                if (rev === null) await tree.take('names', ['key', which])
                else await tree.put('names', row)
                await tree.write(tx)
                if (keeps) tree.keep()
                else throw new Error('refused')
              })
              .catch(() => tree.undo())
            root = tree.root
            if (!keeps) return
            if (rev === null) model.delete(which)
            else model.set(which, row)
          })
        }
        const other = new Shelf()
        await other.tamper(async (tx) => {
          const tree = treeOn(tx, zeros)
          for (const row of model.values()) await tree.put('names', row)
          await tree.write(tx)
          tree.keep()
          expect(tree.root.toString('hex')).toBe(root.toString('hex'))
        })
        expect(await shelf.rows('state_tree')).toEqual(await other.rows('state_tree'))
        if (model.size === 0) expect(root).toEqual(zeros)
      }),
      { numRuns: 40 },
    )
  })

  test('knows each row by what it holds, and that there is none', async () => {
    const shelf = new Shelf()
    const root = await shelf.tamper(async (tx) => {
      const tree = treeOn(tx, zeros)
      await tree.put('names', nameRow('a'))
      await tree.write(tx)
      tree.keep()
      return tree.root
    })
    await shelf.read(async (reader) => {
      const tree = treeOn(reader, root)
      await tree.check('names', ['key', 'a'], nameRow('a'))
      await tree.check('names', ['key', 'b'], undefined)
      const wrong: [string, Row | undefined][] = [
        ['a', undefined],
        ['a', nameRow('a', 'other')],
        ['a', nameRow('a', 't', 2)],
        ['a', { ...nameRow('a'), tenant: 'acme' }],
        ['a', { ...nameRow('a'), more: null }],
        ['a', { ...nameRow('a'), target: '\ud800' }],
        ['b', nameRow('a')],
        ['b', nameRow('b')],
      ]
      for (const [name, row] of wrong) {
        await expect(tree.check('names', ['key', name], row)).rejects.toMatchObject({
          code: 'STORAGE_TAMPERED',
          message: expect.stringContaining(`names ["key","${name}"]`),
        })
      }
    })
  })

  test('is believed only along a path whose hashes fit, whatever is cached', async () => {
    const shelf = new Shelf()
    const nodes = new NodeCache()
    const root = await shelf.tamper(async (tx) => {
      const tree = treeOn(tx, zeros, nodes)
      await tree.put('names', nameRow('a'))
      await tree.write(tx)
      tree.keep()
      return tree.root
    })
    const bucket = bucketOf(lookupOf('names', ['key', 'a']) as string[])
    const path = [0, 1, 2, 3, 4].map((level) => ['default', level, Math.floor(bucket / 2 ** (20 - 5 * level))])
    for (const key of path) {
      const copy = await shelf.copy()
      await copy.edit('state_tree', key, (row) => {
        const content = Buffer.from(row['content'] as Uint8Array)
        content[content.length - 1] = (content[content.length - 1] as number) ^ 1
        return { ...row, content }
      })
      await copy.read(async (reader) => {
        await expect(treeOn(reader, root).check('names', ['key', 'a'], nameRow('a'))).rejects.toMatchObject({
          code: 'STORAGE_TAMPERED',
        })
      })
      const without = await shelf.copy()
      await without.tamper(async (tx) => tx.remove('state_tree', key))
      await without.read(async (reader) => {
        await expect(treeOn(reader, root).check('names', ['key', 'a'], undefined)).rejects.toMatchObject({
          code: 'STORAGE_TAMPERED',
        })
      })
    }
    await shelf.read(async (reader) => treeOn(reader, root, nodes).check('names', ['key', 'a'], nameRow('a')))
  })
})

describe('what is looked up together', () => {
  test('shares a bucket: a key with its first versions, a principal with its grants on all keys', () => {
    const place = (table: string, ...key: (string | number)[]): number => bucketOf(lookupOf(table, key) as string[])
    expect(place('versions', 'k', 1)).toBe(place('keys', 'k'))
    expect(place('versions', 'k', 63)).toBe(place('imports', 'k', 1))
    expect(place('versions', 'k', 64)).not.toBe(place('keys', 'k'))
    expect(place('versions', 'k', 64)).toBe(place('versions', 'k', 127))
    expect(place('grants', 'p', '*', 'g')).toBe(place('principals', 'p'))
    expect(place('grants', 'p', 'k', 'g')).toBe(place('grants', 'p', 'k', 'h'))
    expect(place('secrets', 'audit-pii', 1)).toBe(place('keyring', 1))
  })

  test('is nowhere where the beginning of a key leaves it open', () => {
    expect(lookupOf('versions', ['k'])).toBeUndefined()
    expect(lookupOf('grants', ['p'])).toBeUndefined()
    expect(lookupOf('names', ['key'])).toBeUndefined()
    expect(lookupOf('grants', ['p', 'k'])).toEqual(['principal', 'p', 'k'])
  })
})
