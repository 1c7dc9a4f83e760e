import { leafHash } from '../crypto/hash.ts'
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

/** Reads a stored record; a fault where text, hash and columns do not agree. */
export function readRecord(row: Row): AuditRecord | RecordFault {
  try {
    return readOrFault(row)
  } catch {
    // A text of other shapes than ours, such as one whose members cannot be shown as text.
    return { kind: 'record-format', expected: 'a record', found: 'something else' }
  }
}

function readOrFault(row: Row): AuditRecord | RecordFault {
  const text = row['text'] as string
  const hash = leafHash(text).toString('hex')
  const stored = Buffer.from(row['hash'] as Uint8Array).toString('hex')
  if (hash !== stored) return { kind: 'record-hash', expected: stored, found: hash }
  const body = parse(text)
  if (body?.v !== recordVersion) {
    return { kind: 'record-format', expected: `version ${recordVersion}`, found: `version ${String(body?.v)}` }
  }
  if (body.change !== undefined && !isChange(body.change)) {
    return { kind: 'record-format', expected: 'a change with its rows', found: 'another' }
  }
  const record: AuditRecord = Object.assign(body, { hash })
  return columnFault(row, record) ?? record
}

/** Whether reading a record found a fault. */
export function isFault(record: AuditRecord | RecordFault): record is RecordFault {
  return Object.hasOwn(record, 'kind')
}

/** Whether a value of a parsed record has the shape of a change. */
export function isChange(value: unknown): value is RecordChange {
  return typeof value === 'object' && value !== null && Array.isArray(Reflect.get(value, 'rows'))
}

function parse(text: string): Omit<AuditRecord, 'hash'> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    // Freshly parsed, it is ours to change: without a prototype, what it does not have is absent. A copy would cost more.
    return typeof value === 'object' && value !== null ? Object.setPrototypeOf(value, null) : undefined
  } catch {
    return undefined
  }
}

/** The columns are copies to search by: each must say what the text says. */
function columnFault(row: Row, record: AuditRecord): RecordFault | undefined {
  const expected: Record<string, unknown> = {
    tenant: record.tenant,
    seq: record.seq,
    ts: Date.parse(record.ts),
    actor: record.actor,
    action: record.action,
    status: record.status,
    keyId: record.keyId ?? null,
    writer: record.writer,
    writerSeq: record.writerSeq,
  }
  const wrong = Object.keys(expected).find((column) => row[column] !== expected[column])
  if (wrong === undefined) return undefined
  return { kind: 'record-column', expected: `${wrong} ${String(expected[wrong])}`, found: String(row[wrong]) }
}
