import type { Range, Row, Value } from '@chatelaine/core/storage'
import { StorageConflict, maxRangeLimit } from '@chatelaine/core/storage'
import sortedBTree from 'sorted-btree'
import { beyond, compareKeys, keyOf, partOf, startsWith } from './key.ts'
import type { Key } from './key.ts'
import { refusal } from './layout.ts'
import type { Layout, Order } from './layout.ts'

type Tree = sortedBTree.default<Key, Row>

// Node hands over all of a CommonJS module; some bundlers and test runners unwrap its default export.
const BTree = sortedBTree.default ?? (sortedBTree as unknown as typeof sortedBTree.default)

/** The rows of a table along one of its orders. */
interface Sorted {
  readonly order: Order
  readonly tree: Tree
}

const grow = (order: Order): Sorted => ({ order, tree: new BTree<Key, Row>(undefined, compareKeys) })

/** The rows of one table, in all its orders. Rows go in and come out as they are: copying is for those who hand them on. */
export class Table {
  /** What the descriptor says. */
  readonly layout: Layout
  readonly #primary: Sorted
  readonly #indexes: readonly Sorted[]

  constructor(layout: Layout, from?: Table) {
    const [primary, ...indexes] = layout.orders
    this.layout = layout
    this.#primary = from === undefined ? grow(primary) : { order: primary, tree: from.#primary.tree.clone() }
    this.#indexes =
      from === undefined ? indexes.map(grow) : from.#indexes.map(({ order, tree }) => ({ order, tree: tree.clone() }))
  }

  /** A table that holds the same and can be changed by itself: the two share what neither has touched since. */
  clone(): Table {
    return new Table(this.layout, this)
  }

  /** The row with this primary key. */
  get(key: readonly Value[]): Row | undefined {
    const { columns } = this.#primary.order
    if (key.length !== columns.length) throw refusal(`A primary key of ${this.layout.table} is ${columns.join(', ')}.`)
    this.layout.checkParts(columns, key)
    return this.#primary.tree.get(key.map(partOf))
  }

  /** Rows along an order. */
  range(range: Range): Row[] {
    const sorted = [this.#primary, ...this.#indexes].find(({ order }) => order.index === range.index)
    if (sorted === undefined) throw refusal(`${this.layout.table} has no index ${range.index}.`)
    const after = range.after ?? []
    this.#checkRange(range, sorted.order)
    const prefix = range.prefix.map(partOf)
    const start = [...prefix, ...after.map(partOf)]
    const found: Row[] = []
    for (const [key, row] of walk(sorted.tree, { start, from: after.length === 0 ? 'prefix' : 'after' }, range.order)) {
      if (!startsWith(key, prefix) || found.push(row) === range.limit) break
    }
    return found
  }

  /** Adds a row, or changes nothing and throws a `StorageConflict`. */
  insert(row: Row): void {
    this.#refuseClash(row)
    const { order, tree } = this.#primary
    if (!tree.set(keyOf(row, order.columns), row, false)) throw this.#conflict('its primary key is taken')
    for (const index of this.#indexes) index.tree.set(keyOf(row, index.order.columns), row)
  }

  /** Puts a row in the place of the one with its key and this `rev`, or changes nothing and throws a `StorageConflict`. */
  replace(row: Row, expectedRev: number): void {
    const key = this.#primary.order.columns.map((column) => row[column] ?? null)
    const current = this.#expect(key, expectedRev)
    this.#refuseClash(row, current)
    this.#primary.tree.set(key.map(partOf), row)
    for (const { order, tree } of this.#indexes) {
      tree.delete(keyOf(current, order.columns))
      tree.set(keyOf(row, order.columns), row)
    }
  }

  /** Takes a row away, or changes nothing and throws a `StorageConflict`. */
  remove(key: readonly Value[], expectedRev: number | undefined): void {
    const row = this.#expect(key, expectedRev)
    for (const { order, tree } of [this.#primary, ...this.#indexes]) tree.delete(keyOf(row, order.columns))
  }

  #expect(key: readonly Value[], rev: number | undefined): Row {
    if (rev !== undefined && !this.layout.hasRev) throw refusal(`${this.layout.table} has no column rev.`)
    const row = this.get(key)
    if (row === undefined) throw this.#conflict('there is no such row')
    if (rev !== undefined && row['rev'] !== rev) throw this.#conflict('its rev is another')
    return row
  }

  /** Looks for another row, `except` aside, that agrees with this one where a unique index forbids it. */
  #refuseClash(row: Row, except?: Row): void {
    for (const { order, tree } of this.#indexes) {
      if (order.unique === undefined) continue
      const key = keyOf(row, order.unique)
      if (key.includes(null)) continue
      // What is appended comes after all the others, and clashes with none.
      const last = tree.maxKey()
      if (last === undefined || compareKeys(key, last) > 0) continue
      const next = tree.nextHigherPair(key)
      if (next !== undefined && next[1] !== except && startsWith(next[0], key)) {
        throw this.#conflict(`its place in ${order.index} is taken`)
      }
    }
  }

  #checkRange({ prefix, after = [], limit }: Range, { columns }: Order): void {
    if (!Number.isInteger(limit) || limit < 1 || limit > maxRangeLimit) {
      throw refusal(`The limit of a range is 1 to ${maxRangeLimit}.`)
    }
    if (after.includes(null)) throw refusal('The bound of a range is never null.')
    this.layout.checkParts(columns, [...prefix, ...after])
  }

  #conflict(reason: string): StorageConflict {
    return new StorageConflict(`A row of ${this.layout.table} clashes: ${reason}.`)
  }
}

/** Where a walk starts: at the first key of a prefix, or strictly beyond all keys that begin with a bound. */
interface Start {
  readonly start: Key
  readonly from: 'prefix' | 'after'
}

function walk(tree: Tree, { start, from }: Start, order: Range['order']): Iterable<[Key, Row]> {
  const end: Key = [...start, beyond]
  if (order === 'desc') return tree.entriesReversed(from === 'after' ? start : end, undefined, true)
  return tree.entries(from === 'after' ? end : start)
}
