import { asBuffer } from '../internal/bytes.ts'
import { limits } from '../internal/defaults.ts'
import { ownOnly } from '../internal/own.ts'
import type { StorageReader } from '../storage/adapter.ts'
import type { Row } from '../storage/table.ts'
import { checkRecord, isFault, type AuditRecord } from './audit-record.ts'
import { logKey } from './checkpoint.ts'
import { noHash, type Head } from './head.ts'
import type { MacKeys, Seen } from './head-guard.ts'
import { Frontier } from './merkle.ts'
import { parseNote, signersOf } from './note.ts'
import type { Pruned } from './pruned.ts'
import { isRotation, signersFrom, type MaybeRotation, type Signers } from './signers.ts'
import type { AuditProblem } from './verification.ts'

/** Where the chain is, and the keys that it is verified with. */
export interface VerifySource {
  readonly tenant: string
  readonly origin: string
  /** The key of genesis; `undefined` where it could not be read: then no checkpoint verifies. */
  readonly publicKey: Buffer | undefined
  /** Every key that the log has had: one of them was in force where a pruned log begins. @defaultValue that of genesis */
  readonly allKeys?: (() => readonly Buffer[]) | undefined
  /** How far the log was pruned, on the word of the state. @defaultValue it was not */
  readonly pruned?: (() => Promise<Pruned | undefined>) | undefined
  readonly macKeyOf: MacKeys
  /** Takes over keyring epochs that others began. @defaultValue there are none that are not known */
  readonly learn?: (() => Promise<void>) | undefined
  /** The newest head that this process has seen: the log cannot be older. @defaultValue none */
  readonly seen?: (() => Seen | undefined) | undefined
  snapshot<T>(read: (reader: StorageReader) => Promise<T>): Promise<T>
}

/** What a verification stops at. */
export class Problem extends Error {
  readonly problem: AuditProblem

  constructor(seq: number, kind: AuditProblem['kind'], values: { expected: string; found: string }) {
    super(kind)
    this.problem = { seq, kind, ...values }
  }
}

/** How far a verification has come, and what it knows there. */
export class ChainWalk {
  readonly #source: VerifySource
  readonly #from: number
  /** The newest head that this process had seen when the verification began. */
  readonly #seen: Seen | undefined
  readonly #isWhole: boolean
  #signers: Signers | undefined
  /** A rotation that was met before any checkpoint of a pruned log. */
  #pending: MaybeRotation | undefined
  /** Hash of the last record, as the next one names it. */
  #hex: string
  readonly frontier: Frontier
  next: number
  hash: Buffer = noHash
  revision: number | undefined
  lastChange = -1
  lastChangeHash: Buffer = noHash

  /** Begins at a record: with the tree before it, where that is record 0, or the first that was not pruned. */
  constructor(source: VerifySource, { from, pruned }: WalkStart, seen: Seen | undefined) {
    const { origin, publicKey } = source
    const base = pruned?.size === from ? pruned : undefined
    this.#source = source
    this.#isWhole = from === 0 || base !== undefined
    this.#signers = publicKey === undefined || from > 0 ? undefined : signersFrom(origin, publicKey)
    this.frontier = new Frontier(base?.size, base?.frontier)
    if (base !== undefined) this.hash = base.headHash
    this.#hex = this.hash.toString('hex')
    this.#seen = seen
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
      if (note !== undefined && this.#isWhole) this.#checkpoint(note)
    }
    if (rows.length < limit) throw new Problem(this.next, 'record-missing', { expected: 'a record', found: 'none' })
  }

  #record(row: Row): void {
    const seq = this.next
    if (row['seq'] !== seq) {
      throw new Problem(seq, 'record-missing', { expected: `record ${seq}`, found: `record ${String(row['seq'])}` })
    }
    const record = checkRecord(row)
    if (isFault(record)) throw new Problem(seq, record.kind, record)
    if (seq > this.#from || this.#isWhole) {
      const expected = this.#hex
      if (record.prev !== expected) throw new Problem(seq, 'record-link', { expected, found: record.prev })
    }
    this.#hex = record.hash
    this.hash = asBuffer(row['hash'] as Uint8Array)
    this.#compareSeen(seq)
    if (this.#isWhole) this.frontier.append(this.hash)
    if (record.change !== undefined) this.#change(seq, record.change)
    this.#rotation(record.body)
    this.next += 1
  }

  #rotation(body: MaybeRotation & { readonly seq: number }): void {
    if (!isRotation(body)) return
    const record = ownOnly(body)
    if (this.#signers === undefined) this.#pending = record
    if (this.#signers?.rotate(record) !== false) return
    throw new Problem(record.seq, 'checkpoint', { expected: 'a verifier key of this log', found: 'none' })
  }

  /**
   * A pruned log begins with whichever of its keys signed the first checkpoint that is met. Where several did, the newest
   * is in force, unless it was put in force by a record that was met: then the first vouches for it.
   */
  #signersOf(text: string): Signers | undefined {
    const { origin, publicKey, allKeys } = this.#source
    const note = parseNote(text)
    const keys = allKeys?.() ?? (publicKey === undefined ? [] : [publicKey])
    const signing = keys.filter(
      (candidate) => note !== undefined && signersOf(note, [logKey(origin, candidate)]) !== undefined,
    )
    const key = signing.at(this.#pending === undefined ? -1 : 0)
    const signers = key === undefined ? undefined : signersFrom(origin, key)
    if (this.#pending !== undefined) signers?.rotate(this.#pending)
    return signers
  }

  /** Whether every key that signed from some record on was vouched for by the one before it. */
  get keysAreVouched(): boolean {
    return !this.#isWhole || this.#signers?.isVouched !== false
  }

  /** Whoever has seen a shorter log knows one of its hashes. */
  #compareSeen(seq: number): void {
    if (this.#seen?.size !== seq + 1 || this.#seen.headHash.equals(this.hash)) return
    const expected = `the record that was seen, ${this.#seen.headHash.toString('hex')}`
    throw new Problem(seq, 'head', { expected, found: this.hash.toString('hex') })
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
    const root = this.frontier.root()
    if (this.#from > 0) this.#signers ??= this.#signersOf(note)
    if (this.#signers?.accepts(note, { size: this.next, root }) === true) return
    const expected = `a signed checkpoint of root ${root.toString('base64')}`
    throw new Problem(this.next - 1, 'checkpoint', { expected, found: 'another' })
  }
}

/** Where a verification begins. */
export interface WalkStart {
  readonly from: number
  readonly pruned?: Pruned | undefined
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

/** Compares what the chain came to with its head. @throws Problem */
export function checkEnd(walk: ChainWalk, head: Head | undefined, size: number): void {
  if (head === undefined) throw new Problem(size, 'head', { expected: 'an authentic head', found: 'none' })
  if (!walk.keysAreVouched) {
    throw new Problem(size, 'checkpoint', { expected: 'one that the old and the new key signed', found: 'none' })
  }
  const whole = walk.frontier.size === size
  const facts: [AuditProblem['kind'], string, string][] = [
    ['head', head.headHash.toString('hex'), walk.hash.toString('hex')],
    ['frontier', head.frontier.toString('hex'), whole ? walk.frontier.toBytes().toString('hex') : ''],
    ['change-link', changeOf(head), changeOf(walk)],
  ]
  // Where a pruned log has had no change since, only the head knows of the last.
  const known = walk.revision === undefined ? facts.slice(0, 2) : facts
  for (const [kind, expected, found] of walk.next > 0 && whole ? known : facts.slice(0, 1)) {
    if (expected !== found) throw new Problem(size, kind, { expected, found })
  }
}

function changeOf(state: { revision: number | undefined; lastChange: number; lastChangeHash: Buffer }): string {
  return `revision ${state.revision ?? 0}, last change ${state.lastChange} ${state.lastChangeHash.toString('hex')}`
}
