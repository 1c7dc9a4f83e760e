import { maxRangeLimit } from '@chatelaine/core/storage'
import type { Range, TableDescriptor, Value } from '@chatelaine/core/storage'
import { refusal } from './failures.ts'
import type { RowCodec } from './row-codec.ts'

/** The orders in which the rows of one table can be read: along the primary key, or along an index. */
export class Orders {
  readonly #table: TableDescriptor
  readonly #codec: RowCodec
  readonly #columns: ReadonlyMap<string | undefined, readonly string[]>

  constructor(table: TableDescriptor, codec: RowCodec) {
    const { primaryKey, indexes } = table
    this.#table = table
    this.#codec = codec
    this.#columns = new Map<string | undefined, readonly string[]>([
      [undefined, primaryKey],
      ...indexes.map(({ name, columns }) => [name, [...columns, ...without(primaryKey, columns)]] as const),
    ])
  }

  /**
   * The columns that a range compares, in order.
   *
   * @throws `StorageFailure` when the range is none of this table.
   */
  columnsOf({ index, prefix, after = [], limit }: Range): readonly string[] {
    const { name } = this.#table
    const columns = this.#columns.get(index)
    if (columns === undefined) throw refusal(`${name} has no index ${index}.`)
    if (prefix.length + after.length > columns.length) {
      throw refusal(`${name} is ordered by ${columns.join(', ')}: there is nothing beyond to compare.`)
    }
    if (after.includes(null)) throw refusal('The bound of a range is never null.')
    if (!Number.isInteger(limit) || limit < 1 || limit > maxRangeLimit) {
      throw refusal(`The limit of a range is 1 to ${maxRangeLimit}.`)
    }
    this.#check(columns, prefix)
    this.#check(columns.slice(prefix.length), after)
    return columns
  }

  /** @throws `StorageFailure` when these are not the values of a primary key. */
  checkKey(key: readonly Value[]): void {
    const { name, primaryKey } = this.#table
    if (key.length !== primaryKey.length) throw refusal(`A primary key of ${name} is ${primaryKey.join(', ')}.`)
    this.#check(primaryKey, key)
  }

  #check(columns: readonly string[], values: readonly Value[]): void {
    for (const [at, value] of values.entries()) this.#codec.check(columns[at] as string, value)
  }
}

const without = (columns: readonly string[], others: readonly string[]): string[] =>
  columns.filter((column) => !others.includes(column))
