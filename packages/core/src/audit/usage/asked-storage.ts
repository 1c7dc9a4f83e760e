import type { StorageTransaction } from '../../storage/adapter.ts'
import type { Range, Row } from '../../storage/table.ts'

/** The part of a transaction that counting needs, which remembers whether the storage failed. */
export class AskedStorage {
  readonly #tx: StorageTransaction
  #failed = false

  constructor(tx: StorageTransaction) {
    this.#tx = tx
  }

  /** Whether the storage could not do what it was asked: its transaction is in doubt then. */
  get failed(): boolean {
    return this.#failed
  }

  async range(table: string, range: Range): Promise<Row[]> {
    try {
      return await this.#tx.range(table, range)
    } catch (error) {
      this.#failed = true
      throw error
    }
  }
}
