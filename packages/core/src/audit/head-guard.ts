import type { SecretKey } from '../crypto/secret-key.ts'
import { RollbackDetectedError, StorageTamperedError } from '../errors.ts'
import { leafHash } from '../crypto/hash.ts'
import type { StorageReader } from '../storage/adapter.ts'
import { openHead, type Head } from './head.ts'
import { Frontier } from './merkle.ts'
import { consistencyPath } from './merkle-path.ts'
import { isConsistent } from './merkle-proof.ts'
import { readPruned } from './pruned.ts'
import { StoredTree } from './stored-tree.ts'

/** Keys of heads, by epoch; throws for one that does not exist. */
export type MacKeys = (epoch: number) => SecretKey

/**
 * The head is of a keyring epoch that this process does not know, and may yet learn. If not, it is what it says.
 */
export class UnknownEpochError extends StorageTamperedError {}

/** Reads heads and believes only those that are ours and not older than the newest that this process has seen. */
export class HeadGuard {
  readonly #tenant: string
  readonly #macKeyOf: MacKeys
  readonly #knows: (epoch: number) => boolean
  #seen: Head | undefined

  /** @param knows - whether an epoch's key is there; without it every one is asked for */
  constructor(tenant: string, macKeyOf: MacKeys, knows: (epoch: number) => boolean = () => true) {
    this.#tenant = tenant
    this.#macKeyOf = macKeyOf
    this.#knows = knows
  }

  /** The newest head that this process has seen. */
  get seen(): Head | undefined {
    return this.#seen
  }

  /**
   * The newest head in the storage.
   *
   * @param floor - the newest head seen before the snapshot or transaction began: it cannot show an older one.
   * @throws StorageTamperedError, RollbackDetectedError
   */
  async read(reader: StorageReader, floor: Head | undefined): Promise<Head> {
    const [row] = await reader.range('heads', { prefix: [this.#tenant], order: 'desc', limit: 1 })
    if (row === undefined) throw new StorageTamperedError('the chain has no head')
    if (!this.#knows(row['epoch'] as number))
      throw new UnknownEpochError('the head names a keyring epoch that does not exist')
    const head = openHead(row, this.#macKeyOf)
    if (head === undefined) throw new StorageTamperedError('the head of the chain does not verify')
    if (floor !== undefined) compare(floor, head)
    if (floor !== undefined && head.size > floor.size) await this.#expectBelow(reader, floor, head)
    return head
  }

  /**
   * A longer chain goes on from the one that was seen, and does not merely outgrow it: where a standby took over that
   * lacked the end of it, others may have written more since than was lost.
   */
  async #expectBelow(reader: StorageReader, floor: Head, head: Head): Promise<void> {
    const last = await reader.get('records', [this.#tenant, floor.size - 1])
    const text = last?.['text']
    if (typeof text === 'string' && leafHash(text).equals(floor.headHash)) return
    // Where that record was pruned, the tree proves the same.
    if (last === undefined && (await hasGrown(reader, floor, head))) return
    throw new RollbackDetectedError('the storage shows another chain than this process has seen')
  }

  /** Remembers a head that was read or written, if it is newer. */
  saw(head: Head): void {
    if (this.#seen === undefined || head.size > this.#seen.size) this.#seen = head
  }
}

async function hasGrown(reader: StorageReader, floor: Head, head: Head): Promise<boolean> {
  if ((await readPruned(reader, head.tenant)) === undefined) return false
  const frontier = new Frontier(head.size, head.frontier)
  const tree = new StoredTree({ reader, tenant: head.tenant, frontier })
  const proof = await tree.hashesOf(consistencyPath(floor.size, head.size))
  const fromRoot = new Frontier(floor.size, floor.frontier).root()
  return isConsistent({ from: floor.size, fromRoot, to: head.size, toRoot: frontier.root(), proof })
}

function compare(seen: Head, head: Head): void {
  // Whoever sees a head of a new epoch learns it before writing another, so that epochs never go back.
  if (head.size < seen.size || head.revision < seen.revision || head.epoch < seen.epoch) {
    throw new RollbackDetectedError('the storage shows an older chain than this process has seen')
  }
  if (head.size === seen.size && !head.headHash.equals(seen.headHash)) {
    throw new StorageTamperedError('the storage shows another chain than this process has seen')
  }
}
