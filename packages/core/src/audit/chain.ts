import type { Touched } from '../state/cache.ts'
import type { Row } from '../storage/table.ts'
import type { Head } from './head.ts'
import { noHash } from './head.ts'
import { Frontier, type TileEntry } from './merkle.ts'
import { linkRecord, type RecordDraft } from './record.ts'
import type { Veil } from './veil.ts'

/** Who writes, and when. */
export interface Writer {
  readonly id: string
  /** The number of the next record of this writer. */
  readonly nextSeq: number
  readonly now: number
  readonly monotonic: number
  /** The latest time that is known of. @defaultValue `now` */
  readonly latest?: number | undefined
}

/** Records that were linked to a chain. */
export interface LinkedRecords {
  /** Their rows, in order. */
  readonly rows: readonly (Row & { readonly hash: Buffer })[]
  /** What each of them was made of, in the same order. */
  readonly drafts: readonly RecordDraft[]
  /** Of each of them, in the same order: how long it took from the call, in milliseconds, and whether it is a change. */
  readonly measures: readonly RecordMeasure[]
  /** The rows of the state that the changes among them touched. */
  readonly touched: readonly Touched[]
  /** The hashes that they added to tiles of level 1 and above, in the order of their places. */
  readonly tileEntries: readonly TileEntry[]
  /** By how many the keys in each state have become more or fewer. */
  readonly keyMoves: ReadonlyMap<string, number>
  /** The root of the Merkle tree after them. */
  root(): Buffer
}

/** What a record says of itself only once it has its place. */
export interface RecordMeasure {
  readonly durationMs: number
  readonly isChange: boolean
}

/** A head that moves with each record. */
type Growing = { -readonly [Name in keyof Head]: Head[Name] }

/** Appends drafts to a chain, in memory: what a batch will write. */
export class ChainBuilder implements LinkedRecords {
  readonly rows: (Row & { readonly hash: Buffer })[] = []
  readonly drafts: RecordDraft[] = []
  readonly measures: RecordMeasure[] = []
  readonly touched: Touched[] = []
  readonly tileEntries: TileEntry[] = []
  readonly keyMoves = new Map<string, number>()
  readonly #writer: Writer
  readonly #veil: Veil | undefined
  readonly #frontier: Frontier
  readonly #head: Growing

  /** @param veil - hides people in what is recorded */
  constructor(head: Head, writer: Writer, veil?: Veil) {
    this.#writer = writer
    this.#veil = veil
    this.#frontier = new Frontier(head.size, head.frontier, (entry) => this.tileEntries.push(entry))
    this.#head = { ...head }
  }

  /** The time of the records. */
  get now(): number {
    return this.#writer.now
  }

  /** The latest time that is known of, whatever this clock says. */
  get latest(): number {
    return this.#writer.latest ?? this.#writer.now
  }

  /** `seq` of the next record. */
  get size(): number {
    return this.#head.size
  }

  /** Notes that keys moved between states. */
  moveKeys(moves: ReadonlyMap<string, number>): void {
    for (const [state, count] of moves) this.keyMoves.set(state, (this.keyMoves.get(state) ?? 0) + count)
  }

  /** Links one record. With `touched` it is a change, and moves the revision; `stateRoot` is the tree's root after it. */
  append(told: RecordDraft, touched: readonly Touched[] = [], stateRoot?: Buffer): void {
    const draft = this.#veil?.(told) ?? told
    const isChange = touched.length > 0
    const head = this.#head
    if (stateRoot !== undefined) head.stateRoot = stateRoot
    if (isChange) head.revision += 1
    const { id, nextSeq, now, monotonic } = this.#writer
    const durationMs = Math.max(0, Math.round(monotonic - draft.startedAt))
    const row = linkRecord(draft, {
      tenant: head.tenant,
      seq: head.size,
      prev: head.headHash.toString('hex'),
      ts: now,
      clockSkewMs: now < head.ts ? head.ts - now : undefined,
      durationMs,
      writer: id,
      writerSeq: nextSeq + this.rows.length,
      change: isChange ? this.#change(touched) : undefined,
    })
    this.rows.push(row)
    this.drafts.push(draft)
    this.measures.push({ durationMs, isChange })
    this.touched.push(...touched)
    this.#frontier.append(row.hash)
    if (isChange) Object.assign(head, { lastChange: head.size, lastChangeHash: row.hash })
    head.size += 1
    head.headHash = row.hash
    head.ts = now
  }

  /** The state has moved without a change of it: counters have. */
  moved(stateRoot: Buffer): void {
    this.#head.stateRoot = stateRoot
  }

  /** The head after everything that was appended, authenticated under this epoch. */
  head(epoch: number): Head {
    return { ...this.#head, frontier: this.#frontier.toBytes(), epoch }
  }

  /** The root of the Merkle tree after everything that was appended. */
  root(): Buffer {
    return this.#frontier.root()
  }

  #change(rows: readonly Touched[]): Parameters<typeof linkRecord>[1]['change'] {
    return {
      previous: this.#head.lastChange,
      previousHash: this.#head.lastChangeHash.toString('hex'),
      revision: this.#head.revision,
      rows,
      stateRoot: this.#head.stateRoot.toString('hex'),
    }
  }
}

/** The head of a chain without records. */
export function emptyHead(tenant: string): Head {
  return {
    tenant,
    size: 0,
    headHash: noHash,
    frontier: Buffer.alloc(0),
    revision: 0,
    stateRoot: noHash,
    lastChange: -1,
    lastChangeHash: noHash,
    ts: 0,
    epoch: 0,
  }
}
