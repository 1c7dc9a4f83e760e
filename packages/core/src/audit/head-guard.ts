import type { SecretKey } from '../crypto/secret-key.ts'
import { RollbackDetectedError, StorageTamperedError } from '../errors.ts'
import { asBuffer } from '../internal/bytes.ts'
import { limits } from '../internal/defaults.ts'
import type { StorageReader } from '../storage/adapter.ts'
import type { Row } from '../storage/table.ts'
import { hasGrown } from './growth.ts'
import { isSameHead, openHead, type Head } from './head.ts'
import { Frontier } from './merkle.ts'

/** Keys of heads, by epoch; throws for one that does not exist. */
export type MacKeys = (epoch: number) => SecretKey

/**
 * The head is of a keyring epoch that this process does not know, and may yet learn. If not, it is what it says.
 */
export class UnknownEpochError extends StorageTamperedError {}

/** The head is not the one that was foreseen: nothing more is said of it. */
export class Moved extends Error {}

/** What a process knows of the newest log that it has seen, or heard of by its high-water mark. */
export type Seen = Pick<Head, 'size' | 'revision' | 'headHash' | 'epoch'> & {
  readonly frontier?: Buffer | undefined
  /** Root of its tree, where its frontier is not known. */
  readonly root?: Buffer | undefined
}

/** Reads heads and believes only those that are ours and not older than the newest that this process has seen. */
export class HeadGuard {
  readonly #tenant: string
  readonly #macKeyOf: MacKeys
  readonly #knows: (epoch: number) => boolean
  #seen: Seen | undefined

  /** @param knows - whether an epoch's key is there; without it every one is asked for */
  constructor(tenant: string, macKeyOf: MacKeys, knows: (epoch: number) => boolean = () => true) {
    this.#tenant = tenant
    this.#macKeyOf = macKeyOf
    this.#knows = knows
  }

  /** The newest head that this process has seen, or heard of. */
  get seen(): Seen | undefined {
    return this.#seen
  }

  /**
   * The newest head in the storage.
   *
   * @param floor - the newest head seen before the snapshot or transaction began: it cannot show an older one.
   * @throws StorageTamperedError, RollbackDetectedError
   */
  async read(reader: StorageReader, floor: Seen | undefined): Promise<Head> {
    const row = await this.#newest(reader)
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
   * Makes sure that this head, which this process left itself, is the newest one still, and that nobody here has seen a
   * newer one meanwhile.
   *
   * @throws Moved where another one is, whatever it is.
   */
  async expect(reader: StorageReader, head: Head): Promise<void> {
    const row = await this.#newest(reader)
    const found = row?.['epoch'] === head.epoch ? openHead(row, this.#macKeyOf) : undefined
    if (found === undefined || !isSameHead(found, head) || this.isAheadOf(head))
      throw new Moved('there is another head')
  }

  async #newest(reader: StorageReader): Promise<Row | undefined> {
    const [row] = await reader.range('heads', { prefix: [this.#tenant], order: 'desc', limit: 1 })
    return row
  }

  /**
   * A longer chain goes on from the one that was seen, and does not merely outgrow it: where a standby took over that
   * lacked the end of it, others may have written more since than was lost. Nothing that is stored is believed for that,
   * not even the record that was seen last, for it may have been put there: the hashes have to lead to this head.
   */
  async #expectBelow(reader: StorageReader, floor: Seen, head: Head): Promise<void> {
    if (await leadsOn(reader, floor, head)) return
    const root = floor.root ?? rootOf(floor)
    if (root !== undefined && (await hasGrown(reader, { size: floor.size, root }, head))) return
    throw new RollbackDetectedError('the storage shows another chain than this process has seen')
  }

  /** Whether something else than this head, and nothing older, was seen. */
  isAheadOf({ size, headHash }: Head): boolean {
    const seen = this.#seen
    return seen !== undefined && (seen.size > size || (seen.size === size && !seen.headHash.equals(headHash)))
  }

  /** Remembers a head that was read or written, if it is newer. */
  saw(head: Seen): void {
    if (this.#seen === undefined || head.size > this.#seen.size) this.#seen = head
  }
}

/** Whether the records since lead from what was seen to a head: the quickest way, where they are few. */
async function leadsOn(reader: StorageReader, { size, frontier: seen }: Seen, head: Head): Promise<boolean> {
  const limit = head.size - size
  if (seen === undefined || limit > limits.batchRecords) return false
  const rows = await reader.range('records', { prefix: [head.tenant], after: [size - 1], limit })
  const frontier = new Frontier(size, seen)
  for (const row of rows) frontier.append(asBuffer(row['hash'] as Uint8Array))
  return frontier.size === head.size && frontier.toBytes().equals(head.frontier)
}

function rootOf({ size, frontier }: Seen): Buffer | undefined {
  return frontier === undefined ? undefined : new Frontier(size, frontier).root()
}

function compare(seen: Seen, head: Head): void {
  // Whoever sees a head of a new epoch learns it before writing another, so that epochs never go back.
  if (head.size < seen.size || head.revision < seen.revision || head.epoch < seen.epoch) {
    throw new RollbackDetectedError('the storage shows an older chain than this process has seen')
  }
  if (head.size === seen.size && !head.headHash.equals(seen.headHash)) {
    throw new StorageTamperedError('the storage shows another chain than this process has seen')
  }
}
