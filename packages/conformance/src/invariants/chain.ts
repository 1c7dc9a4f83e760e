import type { Row } from '@chatelaine/core/storage'
import { MerkleTree, leafOf } from './merkle-tree.ts'
import { hexOf } from './pages.ts'
import type { Problems } from './problems.ts'
import { asObject, asTouch, canonical, parseText } from './record-text.ts'
import type { Said } from './record-text.ts'
import { Verifier } from './signed-note.ts'
import type { Fold } from './state.ts'

const noHash = '0'.repeat(64)
const mostBytes = 16_384
const mostTouches = 100

/** The chain as far as it was walked, computed anew from the texts alone. */
export class Chain {
  /** How many records there were. */
  size = 0
  /** The last record's hash. */
  hash = noHash
  /** The last record's time. */
  ts = 0
  /** How many changes there were, and the last one's record. */
  change = { revision: 0, seq: -1, hash: noHash, stateRoot: noHash }
  /** Who signs, as record 0 names it. */
  verifier: Verifier | undefined
  /** The tree over the records. */
  tree = new MerkleTree()
  /** How many records were pruned: what they said of time, changes and keys is not known, only what they came to. */
  pruned = 0
  /** Whether the change before the next one is known. */
  knowsChange = true
  /** Whether there were quotas: what they counted has moved the state's root, and may be forgotten since. */
  hadQuotas = false
  #knowsTime = true
  readonly #writers = new Map<unknown, number>()
  readonly #tenant: string
  readonly #fold: Fold
  readonly #problems: Problems

  constructor(tenant: string, fold: Fold, problems: Problems) {
    this.#tenant = tenant
    this.#fold = fold
    this.#problems = problems
  }

  /** Goes on behind records that were pruned. */
  resume({ size, headHash, frontier }: Pruned): void {
    this.pruned = size
    this.size = size
    this.hash = Buffer.from(headHash).toString('hex')
    this.tree = MerkleTree.of(size, frontier)
    this.knowsChange = false
    this.#knowsTime = false
    this.#fold.forget()
  }

  /** Takes the next record. */
  take(row: Row): void {
    const where = `record ${String(row['seq'])}`
    const text = String(row['text'])
    const hash = leafOf(text)
    this.#problems.expect(`${where}: its place in the chain`, row['seq'], this.size)
    this.#problems.expect(`${where}: the hash of its text`, hash.toString('hex'), hexOf(row, 'hash'))
    if (Buffer.byteLength(text) > mostBytes) this.#problems.add(`${where}: its text is too long.`)
    const said = parseText(text)
    if (said === undefined) this.#problems.add(`${where}: its text is no record.`)
    else this.#read(said, row, { where, hash: hash.toString('hex'), text })
    this.tree.append(hash)
    this.hash = hash.toString('hex')
    this.size += 1
  }

  #read(said: Said, row: Row, { where, hash, text }: Reading): void {
    const problems = this.#problems
    problems.expect(`${where}: its canonical text`, text, canonical(said))
    problems.expect(`${where}: v`, said['v'], 1)
    problems.expect(`${where}: the hash before it`, said['prev'], this.hash)
    const ts = Date.parse(String(said['ts']))
    const columns = { ...said, tenant: said['tenant'], ts, keyId: said['keyId'] ?? null }
    for (const name of ['tenant', 'seq', 'ts', 'actor', 'action', 'status', 'keyId', 'writer', 'writerSeq'] as const) {
      problems.expect(`${where}: the column ${name}`, row[name], Reflect.get(columns, name))
    }
    problems.expect(`${where}: tenant`, said['tenant'], this.#tenant)
    this.#readTime(ts, said['clockSkewMs'], where)
    this.#readWriter(said, where)
    if (this.size === 0) this.#readGenesis(said)
    if (said['change'] !== undefined) this.#readChange(said, where, hash)
    if (said['action'] === 'rotateAuditKey' && said['status'] === 'SUCCESS') this.#readRotation(said, where)
  }

  #readTime(ts: number, skew: unknown, where: string): void {
    const expected = ts < this.ts ? this.ts - ts : undefined
    if (this.#knowsTime) this.#problems.expect(`${where}: clockSkewMs`, skew, expected)
    this.#knowsTime = true
    this.ts = ts
  }

  #readRotation(said: Said, where: string): void {
    const next = Verifier.of(asObject(said['details'])?.['verifierKey'])
    if (next?.origin === this.verifier?.origin) this.verifier = next
    else this.#problems.add(`${where} names no verifier key of this log.`)
  }

  #readWriter({ writer, writerSeq }: Said, where: string): void {
    const last = this.#writers.get(writer) ?? -1
    if (Number(writerSeq) <= last) this.#problems.add(`${where}: its writer counted ${last} before.`)
    this.#writers.set(writer, Number(writerSeq))
  }

  #readGenesis(said: Said): void {
    this.#problems.expect('record 0: action', said['action'], 'genesis')
    const details = asObject(said['details'])
    this.verifier = Verifier.of(details?.['verifierKey'])
    if (this.verifier === undefined) this.#problems.add('record 0 names no verifier key.')
    else this.#problems.expect('record 0: origin', details?.['origin'], this.verifier.origin)
    this.change = { ...this.change, stateRoot: String(details?.['stateRoot']) }
  }

  #readChange(said: Said, where: string, hash: string): void {
    const change = asObject(said['change'])
    const rows: readonly unknown[] = Array.isArray(change?.['rows']) ? change['rows'] : []
    const problems = this.#problems
    if (!this.knowsChange) this.#takeBefore(change)
    problems.expect(`${where}: revision`, change?.['revision'], this.change.revision + 1)
    problems.expect(`${where}: the change before it`, change?.['previous'], this.change.seq)
    problems.expect(`${where}: the hash of the change before it`, change?.['previousHash'], this.change.hash)
    problems.expect(`${where}: status of a change`, said['status'], 'SUCCESS')
    problems.expect(`${where}: whether it touches 1 to 100 rows`, rows.length > 0 && rows.length <= mostTouches, true)
    for (const value of rows) this.#readTouch(value, said['actor'])
    const stateRoot = String(change?.['stateRoot'])
    this.change = { revision: this.change.revision + 1, seq: this.size, hash, stateRoot }
  }

  /** The first change behind records that were pruned is believed what it says of the one before it. */
  #takeBefore(change: Said | undefined): void {
    const revision = Number(change?.['revision']) - 1
    this.change = {
      ...this.change,
      revision,
      seq: Number(change?.['previous']),
      hash: String(change?.['previousHash']),
    }
    this.knowsChange = true
  }

  #readTouch(value: unknown, actor: unknown): void {
    const touch = asTouch(value)
    this.hadQuotas ||= touch?.table === 'quotas'
    if (touch === undefined) this.#problems.add(`record ${this.size} touches what is no row.`)
    else this.#fold.touch(touch, this.size, { ts: this.ts, actor })
  }
}

/** What records came to that were pruned. */
export interface Pruned {
  readonly size: number
  readonly headHash: Uint8Array
  readonly frontier: Uint8Array
}

interface Reading {
  readonly where: string
  readonly hash: string
  readonly text: string
}
