import { AbortedError } from '../errors.ts'
import { asBuffer } from '../internal/bytes.ts'
import { limits } from '../internal/defaults.ts'
import type { StorageReader } from '../storage/adapter.ts'
import type { Row } from '../storage/table.ts'
import { isFault, readRecord, type AuditRecord } from './audit-record.ts'
import { verifyCheckpoint } from './checkpoint.ts'
import { noHash, openHead, type Head } from './head.ts'
import type { MacKeys } from './head-guard.ts'
import { Frontier } from './merkle.ts'

/** What is wrong with a chain, and where. */
export interface AuditProblem {
  /** The record at which it shows; the chain's size where it shows at the end. */
  readonly seq: number
  readonly kind:
    | 'record-missing'
    | 'record-hash'
    | 'record-format'
    | 'record-column'
    | 'record-link'
    | 'change-link'
    | 'checkpoint'
    | 'head'
    | 'frontier'
  /** What should be there. */
  readonly expected: string
  /** What is there. */
  readonly found: string
}

/** What a verification found. */
export type Verification =
  | { readonly ok: true; readonly records: number; readonly head: string }
  | { readonly ok: false; readonly records: number; readonly head: string; readonly problem: AuditProblem }

/** How to verify. */
export interface VerifyOptions {
  /** Start at this `seq`: links, columns and the head are checked, tree and checkpoints only from 0 on. */
  readonly from?: number | undefined
  readonly signal?: AbortSignal | undefined
  /** Called after every page with how many records are done, and of how many. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined
}

/** Where the chain is, and the keys that it is verified with. */
export interface VerifySource {
  readonly tenant: string
  readonly origin: string
  /** `undefined` where it could not be read: then no checkpoint verifies. */
  readonly publicKey: Buffer | undefined
  readonly macKeyOf: MacKeys
  snapshot<T>(read: (reader: StorageReader) => Promise<T>): Promise<T>
}

class Problem extends Error {
  readonly problem: AuditProblem

  constructor(seq: number, kind: AuditProblem['kind'], values: { expected: string; found: string }) {
    super(kind)
    this.problem = { seq, kind, ...values }
  }
}

/**
 * Reads the chain from the beginning and checks every text against its hash, every hash against the next record, every
 * column against its text, the order of changes, every checkpoint on the way, and at the end the head. Reads in pages,
 * each from a snapshot of its own: memory does not grow with the log.
 */
export async function verifyChain(source: VerifySource, options: VerifyOptions = {}): Promise<Verification> {
  const from = options.from ?? 0
  const { head, size } = await source.snapshot(async (reader) => readHead(reader, source))
  const walk = new ChainWalk(source, from)
  try {
    while (walk.next < size) {
      if (options.signal?.aborted === true) throw new AbortedError('aborted', { cause: options.signal.reason })
      await source.snapshot(async (reader) => walk.page(reader, size))
      options.onProgress?.(walk.next - from, size - from)
    }
    checkEnd(walk, head, size)
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    const checked = Math.max(0, Math.min(error.problem.seq, walk.next) - from)
    return { ok: false, records: checked, head: walk.hash.toString('hex'), problem: error.problem }
  }
  return { ok: true, records: size - from, head: walk.hash.toString('hex') }
}

/** The head if it is ours; and how far to read: where there is none, to the last record. */
async function readHead(
  reader: StorageReader,
  source: VerifySource,
): Promise<{ head?: Head | undefined; size: number }> {
  const [row] = await reader.range('heads', { prefix: [source.tenant], order: 'desc', limit: 1 })
  const head = row === undefined ? undefined : openHead(row, source.macKeyOf)
  if (head !== undefined) return { head, size: head.size }
  const [last] = await reader.range('records', { prefix: [source.tenant], order: 'desc', limit: 1 })
  return { size: last === undefined ? 0 : (last['seq'] as number) + 1 }
}

/** How far a verification has come, and what it knows there. */
class ChainWalk {
  readonly #source: VerifySource
  readonly #from: number
  readonly frontier: Frontier = new Frontier()
  next: number
  hash: Buffer = noHash
  revision: number | undefined
  lastChange = -1
  lastChangeHash: Buffer = noHash

  constructor(source: VerifySource, from: number) {
    this.#source = source
    this.#from = from
    this.next = from
    this.revision = from === 0 ? 0 : undefined
  }

  /** Checks the next page of records, and the checkpoints that end in it. */
  async page(reader: StorageReader, size: number): Promise<void> {
    const { tenant } = this.#source
    const limit = Math.min(limits.items, size - this.next)
    const rows = await reader.range('records', { prefix: [tenant], after: [this.next - 1], limit })
    const notes = await readCheckpoints(reader, tenant, { after: this.next, upTo: this.next + rows.length })
    for (const row of rows) {
      this.#record(row)
      const note = notes.get(this.next)
      if (note !== undefined && this.#from === 0) this.#checkpoint(note)
    }
    if (rows.length < limit) throw new Problem(this.next, 'record-missing', { expected: 'a record', found: 'none' })
  }

  #record(row: Row): void {
    const seq = this.next
    if (row['seq'] !== seq) {
      throw new Problem(seq, 'record-missing', { expected: `record ${seq}`, found: `record ${String(row['seq'])}` })
    }
    const record = readRecord(row)
    if (isFault(record)) throw new Problem(seq, record.kind, record)
    if (seq > this.#from || seq === 0) {
      const expected = this.hash.toString('hex')
      if (record.prev !== expected) throw new Problem(seq, 'record-link', { expected, found: record.prev })
    }
    this.hash = asBuffer(row['hash'] as Uint8Array)
    if (this.#from === 0) this.frontier.append(this.hash)
    if (record.change !== undefined) this.#change(seq, record.change)
    this.next += 1
  }

  #change(seq: number, change: NonNullable<AuditRecord['change']>): void {
    const expected = `revision ${(this.revision ?? change.revision - 1) + 1} after record ${this.lastChange}`
    const known = this.revision !== undefined
    const follows = change.previous === this.lastChange && change.previousHash === this.lastChangeHash.toString('hex')
    if (known && (change.revision !== (this.revision as number) + 1 || !follows)) {
      const found = `revision ${change.revision} after record ${change.previous}`
      throw new Problem(seq, 'change-link', { expected, found })
    }
    this.revision = change.revision
    this.lastChange = seq
    this.lastChangeHash = this.hash
  }

  #checkpoint(note: string): void {
    const { origin, publicKey } = this.#source
    const root = this.frontier.root()
    const signed = publicKey !== undefined && verifyCheckpoint(note, { origin, size: this.next, root }, publicKey)
    if (signed) return
    const expected = `a signed checkpoint of root ${root.toString('base64')}`
    throw new Problem(this.next - 1, 'checkpoint', { expected, found: 'another' })
  }
}

async function readCheckpoints(
  reader: StorageReader,
  tenant: string,
  { after, upTo }: { after: number; upTo: number },
): Promise<Map<number, string>> {
  const notes = new Map<number, string>()
  for (let last = after; ;) {
    const rows = await reader.range('checkpoints', { prefix: [tenant], after: [last], limit: limits.items })
    for (const row of rows) if ((row['size'] as number) <= upTo) notes.set(row['size'] as number, row['note'] as string)
    last = (rows.at(-1)?.['size'] as number | undefined) ?? upTo
    if (rows.length < limits.items || last >= upTo) return notes
  }
}

function checkEnd(walk: ChainWalk, head: Head | undefined, size: number): void {
  if (head === undefined) throw new Problem(size, 'head', { expected: 'an authentic head', found: 'none' })
  const whole = walk.frontier.size === size
  const facts: [AuditProblem['kind'], string, string][] = [
    ['head', head.headHash.toString('hex'), walk.hash.toString('hex')],
    ['frontier', head.frontier.toString('hex'), whole ? walk.frontier.toBytes().toString('hex') : ''],
    ['change-link', changeOf(head), changeOf(walk)],
  ]
  for (const [kind, expected, found] of walk.next > 0 && whole ? facts : facts.slice(0, 1)) {
    if (expected !== found) throw new Problem(size, kind, { expected, found })
  }
}

function changeOf(state: { revision: number | undefined; lastChange: number; lastChangeHash: Buffer }): string {
  return `revision ${state.revision ?? 0}, last change ${state.lastChange} ${state.lastChangeHash.toString('hex')}`
}
