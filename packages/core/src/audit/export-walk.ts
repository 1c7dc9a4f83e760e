import { leafHash } from '../crypto/hash.ts'
import { ownOnly } from '../internal/own.ts'
import { isChange, type AuditRecord } from './audit-record.ts'
import { readCheckpoint, type Checkpoint } from './checkpoint.ts'
import type { SegmentEnd, SegmentHeader, SegmentLine } from './export-format.ts'
import { Frontier } from './merkle.ts'
import { isConsistent } from './merkle-proof.ts'
import { isAmong, parseNote, signersOf, type Note, type VerifierKey } from './note.ts'
import { Unverified } from './offline.ts'
import { recordVersion, type RecordChange } from './record.ts'
import { isRotation, Signers } from './signers.ts'

/** How far a log came at a change of the state. */
interface LastChange {
  readonly revision: number
  readonly seq: number
  readonly hash: string
}

const none = '0'.repeat(64)

/**
 * Walks along exported segments, line by line, and knows everything that is to be checked of the next one. Its memory
 * does not grow with the log.
 */
export class ExportWalk {
  readonly #keys: readonly VerifierKey[]
  /** Whether a given key signed a checkpoint on the way: it vouches for those after it. */
  #isTrusted = false
  #signers: Signers | undefined
  /** A rotation that was met before any checkpoint, where the walk began in the middle of a log. */
  #rotation: AuditRecord | undefined
  #header: SegmentHeader | undefined
  #frontier = new Frontier()
  #started = -1
  #hash: string | undefined
  #change: LastChange | undefined
  #newest: Checkpoint | undefined
  #isOpen = false

  constructor(keys: readonly VerifierKey[]) {
    this.#keys = keys
  }

  /** The first record's place; -1 before there is one. */
  get from(): number {
    return this.#started
  }

  /** The place after the last record. */
  get next(): number {
    return this.#frontier.size
  }

  /** The segment that is being walked along, or was the last. */
  get header(): SegmentHeader | undefined {
    return this.#header
  }

  /** Hash of the last record, in hex. */
  get hash(): string {
    return this.#hash ?? none
  }

  /** Checks a line. @throws Unverified */
  line(line: SegmentLine): void {
    if (line.kind === 'header') return this.#open(line.header)
    if (!this.#isOpen) throw new Unverified('format', 'a segment begins with its header', this.next)
    if (line.kind === 'record') return this.#record(line.text)
    return line.kind === 'checkpoint' ? this.#checkpoint(line.note) : this.#end(line.end)
  }

  /** Checks that everything came to an end. @throws Unverified */
  finish(): Checkpoint {
    const end = this.#newest
    if (this.#isOpen || end === undefined) throw new Unverified('incomplete', 'the export is cut off', this.next)
    return end
  }

  #open(header: SegmentHeader): void {
    const seq = this.next
    if (this.#isOpen) throw new Unverified('incomplete', `the segment before record ${header.from} is cut off`, seq)
    const before = this.#header
    if (before === undefined) this.#begin(header)
    else if (header.from !== seq)
      throw new Unverified('chain', `after record ${seq - 1} comes record ${header.from}`, seq)
    else if (header.origin !== before.origin || header.tenant !== before.tenant) {
      throw new Unverified('chain', 'the segments are of two logs', seq)
    } else if (!header.frontier.equals(this.#frontier.toBytes())) {
      throw new Unverified('chain', `the segment from record ${seq} on does not go on from the one before it`, seq)
    }
    this.#header = header
    this.#isOpen = true
  }

  #begin({ from, frontier, origin }: SegmentHeader): void {
    try {
      this.#frontier = new Frontier(from, frontier)
    } catch {
      throw new Unverified('format', 'the header does not have the frontier of its size', from)
    }
    if (!this.#keys.some(({ name, kind }) => kind === 'log' && name === origin)) {
      throw new Unverified('key', `no given verifier key is of ${origin}`)
    }
    this.#started = from
    if (from === 0) [this.#hash, this.#change] = [none, { revision: 0, seq: -1, hash: none }]
  }

  #record(text: string): void {
    const seq = this.next
    const { to, tenant } = this.#header as SegmentHeader
    if (seq >= to) throw new Unverified('chain', `there are more records than the ${to} that the header says`, seq)
    const record = readRecord(text, seq)
    if (record.seq !== seq)
      throw new Unverified('chain', `in the place of record ${seq} stands record ${record.seq}`, seq)
    if (record.tenant !== tenant) throw new Unverified('record', `record ${seq} is of another tenant`, seq)
    if (this.#hash !== undefined && record.prev !== this.#hash) {
      throw new Unverified('chain', `record ${seq} does not follow the record before it`, seq)
    }
    const leaf = leafHash(text)
    const hash = leaf.toString('hex')
    this.#follow(record, hash)
    this.#frontier.append(leaf)
    this.#hash = hash
  }

  /** Checks that changes follow each other, and that keys do. */
  #follow(record: AuditRecord, hash: string): void {
    const { seq, change } = record
    if (change !== undefined) {
      const last = this.#change
      if (last !== undefined && !follows(change, last)) {
        throw new Unverified('chain', `the change of record ${seq} does not follow the change before it`, seq)
      }
      this.#change = { revision: change.revision, seq, hash }
    }
    if (seq === 0) this.#signers = firstSigners(record, this.#header as SegmentHeader, this.#keys)
    if (isRotation(record)) this.#rotate(record)
  }

  #rotate(record: AuditRecord): void {
    if (this.#signers === undefined) this.#rotation = record
    else if (!this.#signers.rotate(record)) throw noKey(record.seq)
  }

  #checkpoint(text: string): void {
    const size = this.next
    const note = parseNote(text)
    if (note === undefined) throw new Unverified('format', `behind record ${size - 1} stands no checkpoint`, size - 1)
    this.#signers ??= this.#signersIn(note)
    // In the middle of a log, a checkpoint of an earlier key may come first: what it covers, the end covers too.
    if (this.#signers === undefined || this.#accepts(note, text)) return
    const message = `the checkpoint of ${size} records is of another log, or not signed by the key of this one`
    throw new Unverified('signature', message, size - 1)
  }

  #accepts(note: Note, text: string): boolean {
    this.#signers ??= this.#signersIn(note)
    const keys = this.#signers?.keys ?? []
    const accepted = this.#signers?.accepts(text, { size: this.next, root: this.#frontier.root() }) === true
    if (accepted) this.#isTrusted ||= this.#isGiven(signersOf(note, keys) ?? [])
    return accepted
  }

  /** In the middle of a log the keys begin with whichever given one signed a checkpoint that the walk meets: the last. */
  #signersIn(note: Note): Signers | undefined {
    const origin = this.#header?.origin
    const signing = signersOf(note, this.#keys)?.filter(({ kind, name }) => kind === 'log' && name === origin)
    const key = signing?.at(this.#rotation === undefined ? -1 : 0)
    const signers = key === undefined ? undefined : new Signers(key, this.#keys)
    if (this.#rotation !== undefined && signers?.rotate(this.#rotation) === false) throw noKey(this.#rotation.seq)
    return signers
  }

  #end({ checkpoint, consistency }: SegmentEnd): void {
    const { to, origin } = this.#header as SegmentHeader
    const size = this.next
    if (size !== to) throw new Unverified('incomplete', `the header says ${to} records, there are ${size}`, size)
    const note = parseNote(checkpoint)
    const end = note === undefined ? undefined : readCheckpoint(note)
    if (note === undefined || end?.origin !== origin) {
      throw new Unverified('format', 'the segment does not end in a checkpoint of its log', size)
    }
    const signers = this.#signersOfEnd(note, checkpoint, end.size)
    if (signers.length === 0)
      throw new Unverified('signature', `the checkpoint of ${end.size} records is not signed by the log`, size)
    const grown = { from: size, fromRoot: this.#frontier.root(), to: end.size, toRoot: end.root, proof: consistency }
    if (!isConsistent(grown)) {
      throw new Unverified('proof', `the records before ${size} are not those that the log's checkpoint is of`, size)
    }
    if (!this.#isTrusted && !this.#isGiven(signers)) {
      throw new Unverified(
        'signature',
        'the given key signed no checkpoint of this log, and no key before it did',
        size,
      )
    }
    this.#newest = end
    this.#isOpen = false
  }

  /** Who signed the last checkpoint, as far as that counts. Of a longer log, they vouch for this segment, and no other. */
  #signersOfEnd(note: Note, text: string, size: number): readonly VerifierKey[] {
    if (size === this.next) return this.#accepts(note, text) ? (signersOf(note, this.#signers?.keys ?? []) ?? []) : []
    // Nothing is kept: in the middle of a log the next segment may yet meet a checkpoint of an earlier key.
    return (this.#signers ?? this.#signersIn(note))?.later(note) ?? []
  }

  #isGiven(signers: readonly VerifierKey[]): boolean {
    return signers.some((signer) => isAmong(signer, this.#keys))
  }
}

function follows(change: RecordChange, last: LastChange): boolean {
  const { revision, previous, previousHash } = change
  return revision === last.revision + 1 && previous === last.seq && previousHash === last.hash
}

function readRecord(text: string, seq: number): AuditRecord {
  try {
    const value: unknown = JSON.parse(text)
    const record = ownOnly(value as AuditRecord)
    const isOurs = record.v === recordVersion && (record.change === undefined || isChange(record.change))
    if (isOurs) return record
  } catch {
    // What cannot be read is no record.
  }
  throw new Unverified('record', `record ${seq} cannot be read, or is of an unknown version`, seq)
}

/** The signers that the first record of a log names. Whether to believe it, the given keys decide at the end. */
function firstSigners(genesis: AuditRecord, { origin }: SegmentHeader, trusted: readonly VerifierKey[]): Signers {
  const signers = Signers.named(genesis.details?.['verifierKey'], origin, trusted)
  if (genesis.action === 'genesis' && signers !== undefined) return signers
  throw new Unverified('record', 'the first record does not name the key of the log', 0)
}

function noKey(seq: number): Unverified {
  return new Unverified('record', `record ${seq} does not carry a key of this log`, seq)
}
