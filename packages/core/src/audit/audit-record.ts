import { leafHashHex } from '../crypto/hash.ts'
import { asBuffer } from '../internal/bytes.ts'
import type { Row } from '../storage/table.ts'
import type { RecordChange, RecordCounts, RecordDetails, RecordStatus } from './record.ts'
import { recordVersion } from './record.ts'

/** One entry of the audit log, as its canonical text says it. */
export interface AuditRecord {
  /** Position in the chain, dense from 0. Order is this, never the time. */
  readonly seq: number
  /** Hash of the record's text: the chain's link and the Merkle tree's leaf, in hex. */
  readonly hash: string
  /** Hash of the record before it, in hex. */
  readonly prev: string
  /** The writer's clock, RFC 3339 in UTC with milliseconds. */
  readonly ts: string
  /** How many milliseconds `ts` lies before the record before it, where it does. */
  readonly clockSkewMs?: number | undefined
  /** From the call to the record, in milliseconds. */
  readonly durationMs: number
  /** Whose log it is. */
  readonly tenant: string
  /** The principal who asked. */
  readonly actor: string
  /** The principal's role, on the host's word. */
  readonly role: string
  /** The operation, by the name that a grant gives it. */
  readonly action: string
  /** How it ended. */
  readonly status: RecordStatus
  /** Code of the error that the caller got. */
  readonly code?: string | undefined
  /** The true reason, which the caller may not have been told. */
  readonly reason?: string | undefined
  /** The key that it was about. */
  readonly keyId?: string | undefined
  /** The version that was used. */
  readonly keyVersion?: number | undefined
  /** Whom the key belongs to, in the host's words. */
  readonly owner?: string | undefined
  /** The caller's name for the request. */
  readonly requestId?: string | undefined
  /** Keyed hashes of the pairs of the encryption context. */
  readonly context?: readonly string[] | undefined
  /** Of a many-verb: how many items succeeded and failed. */
  readonly counts?: RecordCounts | undefined
  /** SHA-256 over the outcomes of a many-verb, in hex. */
  readonly digest?: string | undefined
  /** More, from an allow-list. */
  readonly details?: RecordDetails | undefined
  /** For a change of the state: its revision, what came before it, and the rows it touched. */
  readonly change?: RecordChange | undefined
  /** The process that wrote it, and its own count. */
  readonly writer: string
  /** The writer's own count of its records. */
  readonly writerSeq: number
  /** Version of the record format. */
  readonly v: number
}

/** What is wrong with a stored record. */
export interface RecordFault {
  /** What kind of fault it is. */
  readonly kind: 'record-hash' | 'record-format' | 'record-column'
  /** What should be there. */
  readonly expected: string
  /** What is there. */
  readonly found: string
}

/** What a verification needs of a stored record in which text, hash and columns agree. */
export interface CheckedRecord {
  /** Hash of its text, in hex. */
  readonly hash: string
  /** Hash of the record before it, in hex, as it says itself. */
  readonly prev: string
  readonly change: RecordChange | undefined
  /** What its text says. As it was parsed: what it does not have may be found on `Object.prototype`. */
  readonly body: Body
}

type Body = Omit<AuditRecord, 'hash'>

/** Reads a stored record; a fault where text, hash and columns do not agree. */
export function readRecord(row: Row): AuditRecord | RecordFault {
  const checked = checkRecord(row)
  if (isFault(checked)) return checked
  // Freshly parsed, it is ours to change: without a prototype, what it does not have is absent. A copy would cost more.
  return Object.setPrototypeOf(Object.assign(checked.body, { hash: checked.hash }), null)
}

/** The same for a verification, at two thirds of the time. */
export function checkRecord(row: Row): CheckedRecord | RecordFault {
  try {
    return checkOrFault(row)
  } catch {
    // A text of other shapes than ours, such as one whose members cannot be shown as text.
    return { kind: 'record-format', expected: 'a record', found: 'something else' }
  }
}

function checkOrFault(row: Row): CheckedRecord | RecordFault {
  const text = row['text'] as string
  const hash = leafHashHex(text)
  const stored = asBuffer(row['hash'] as Uint8Array).toString('hex')
  if (hash !== stored) return { kind: 'record-hash', expected: stored, found: hash }
  const body = parse(text)
  if (body?.v !== recordVersion) {
    return { kind: 'record-format', expected: `version ${recordVersion}`, found: `version ${String(body?.v)}` }
  }
  const change = Object.hasOwn(body, 'change') ? body.change : undefined
  if (change !== undefined && !isChange(change)) {
    return { kind: 'record-format', expected: 'a change with its rows', found: 'another' }
  }
  return columnFault(row, body) ?? { hash, prev: body.prev, change, body }
}

/** Whether reading a record found a fault. */
export function isFault(record: AuditRecord | CheckedRecord | RecordFault): record is RecordFault {
  return Object.hasOwn(record, 'kind')
}

/** Whether a value of a parsed record has the shape of a change. */
export function isChange(value: unknown): value is RecordChange {
  return typeof value === 'object' && value !== null && Array.isArray(Reflect.get(value, 'rows'))
}

function parse(text: string): Body | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Body) : undefined
  } catch {
    return undefined
  }
}

/** The columns are copies to search by: each must say what the text says. */
function columnFault(row: Row, body: Body): RecordFault | undefined {
  const keyId = Object.hasOwn(body, 'keyId') ? body.keyId : null
  const ts = timeOf(body.ts)
  if (sameWriter(row, body) && sameDeed(row, body) && row['ts'] === ts && row['keyId'] === keyId) return undefined
  const expected: Record<string, unknown> = { ...body, keyId, ts }
  const wrong = columns.find((name) => row[name] !== expected[name]) as string
  return { kind: 'record-column', expected: `${wrong} ${String(expected[wrong])}`, found: String(row[wrong]) }
}

const columns = ['tenant', 'seq', 'ts', 'actor', 'action', 'status', 'keyId', 'writer', 'writerSeq'] as const

// Written out, for the engine knows where these members are: a verification comes by here for every record.
function sameWriter(row: Row, { tenant, seq, writer, writerSeq }: Body): boolean {
  const isPlace = row['tenant'] === tenant && row['seq'] === seq
  return isPlace && row['writer'] === writer && row['writerSeq'] === writerSeq
}

function sameDeed(row: Row, { actor, action, status }: Body): boolean {
  return row['actor'] === actor && row['action'] === action && row['status'] === status
}

let lastTime = { text: '', ms: NaN }

/** A batch has one time, so the last one is kept. */
function timeOf(text: string): number {
  if (text !== lastTime.text) lastTime = { text, ms: Date.parse(text) }
  return lastTime.ms
}
