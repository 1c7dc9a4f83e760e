import { sha256OfText } from '../crypto/hash.ts'
import { LimitExceededError } from '../errors.ts'
import { limits } from '../internal/defaults.ts'
import { integer, jcs, type Json } from '../internal/jcs.ts'
import type { Actor } from '../stages.ts'
import type { Touched } from '../state/cache.ts'
import type { Row } from '../storage/table.ts'

/** How an operation ended. */
export type RecordStatus = 'SUCCESS' | 'DENIED' | 'FAILURE'

/** Details of a record: names and numbers from an allow-list, never plaintext, ciphertext or key material. */
export type RecordDetails = Readonly<Record<string, string | number | boolean>>

/** How many items of a many-verb succeeded and failed. */
export interface RecordCounts {
  /** Those that failed. */
  readonly failed: number
  /** Those that succeeded. */
  readonly ok: number
}

/** What an operation says of itself, before it has its place in the chain. */
export interface RecordDraft {
  readonly action: string
  readonly actor: Actor
  readonly status: RecordStatus
  /** The code of the error that the caller gets. */
  readonly code?: string | undefined
  /** The true reason, which the caller may not learn. */
  readonly reason?: string | undefined
  readonly keyId?: string | undefined
  readonly keyVersion?: number | undefined
  readonly owner?: string | undefined
  readonly requestId?: string | undefined
  /** Keyed hashes of the encryption context's pairs. */
  readonly context?: readonly string[] | undefined
  /** Of a many-verb: how many items succeeded and failed. */
  readonly counts?: RecordCounts | undefined
  /** Of a many-verb: SHA-256 over the outcomes, in hex. */
  readonly digest?: string | undefined
  readonly details?: RecordDetails | undefined
  /** When the operation began, by the monotonic clock. */
  readonly startedAt: number
}

/** What a record says of a change of the state. */
export interface RecordChange {
  /** `seq` of the change before it; -1 where there is none. */
  readonly previous: number
  /** Hash of the record of the change before it, in hex. */
  readonly previousHash: string
  /** Number of the change, from 1. */
  readonly revision: number
  /** The rows that it touched. */
  readonly rows: readonly Touched[]
  /** Root of the state tree after it, in hex; zeros until there is one. */
  readonly stateRoot: string
}

/** The place of a record in its chain. */
export interface RecordPlace {
  readonly tenant: string
  readonly seq: number
  /** Hash of the record before it, in hex; zeros before the first. */
  readonly prev: string
  readonly ts: number
  readonly clockSkewMs?: number | undefined
  readonly durationMs: number
  readonly writer: string
  readonly writerSeq: number
  readonly change?: RecordChange | undefined
}

/** What a draft may leave out, as own properties: nothing is read of a prototype, and objects stay of one shape. */
const nothingTold = Object.freeze({
  code: undefined,
  reason: undefined,
  keyId: undefined,
  keyVersion: undefined,
  owner: undefined,
  requestId: undefined,
  context: undefined,
  counts: undefined,
  digest: undefined,
  details: undefined,
})

/** Version of the record format. An unknown one is a failure, never "legacy". */
export const recordVersion = 1

/**
 * The canonical text of a record (RFC 8785) and its row. `hash = SHA-256(0x00 ‖ text)` with the hash of the record
 * before it inside the text is the link of the chain and the leaf of the Merkle tree at once.
 */
export function linkRecord(told: RecordDraft, place: RecordPlace): Row & { readonly hash: Buffer } {
  const draft = { ...nothingTold, ...told }
  // As it is hashed, so that it is put together once: the text is a part of it then.
  const leaf = `\0${recordText(draft, place)}`
  if (leaf.length > limits.recordBytes / 3 && Buffer.byteLength(leaf) - 1 > limits.recordBytes) {
    throw new LimitExceededError('an audit record would be too long')
  }
  return {
    tenant: place.tenant,
    seq: place.seq,
    ts: place.ts,
    actor: draft.actor.id,
    action: draft.action,
    status: draft.status,
    keyId: draft.keyId ?? null,
    writer: place.writer,
    writerSeq: place.writerSeq,
    hash: sha256OfText(leaf),
    text: leaf.slice(1),
  }
}

/** The members in canonical order, so that this is what JCS would write. Nothing here asks a prototype. */
export function recordText(draft: RecordDraft, place: RecordPlace): string {
  const { change, clockSkewMs } = place
  return (
    `{${usual.action(draft.action)}` +
    usual.actor(draft.actor.id) +
    json('change', change === undefined ? undefined : changeOf(change)) +
    json('clockSkewMs', clockSkewMs) +
    text('code', draft.code) +
    json('context', draft.context) +
    json('counts', draft.counts as Json | undefined) +
    json('details', draft.details) +
    text('digest', draft.digest) +
    usual.durationMs(place.durationMs) +
    usual.keyId(draft.keyId) +
    usual.keyVersion(draft.keyVersion) +
    usual.owner(draft.owner) +
    text('prev', place.prev) +
    text('reason', draft.reason) +
    text('requestId', draft.requestId) +
    usual.role(draft.actor.role) +
    `"seq":${integer(place.seq)},` +
    usual.status(draft.status) +
    usual.tenant(place.tenant) +
    isoTime(place.ts) +
    usual.writer(place.writer) +
    `"writerSeq":${integer(place.writerSeq)}}`
  )
}

/** A member with a comma after it, or nothing. */
function text(name: string, value: string | undefined): string {
  return value === undefined ? '' : `"${name}":${JSON.stringify(value)},`
}

function json(name: string, value: Json | undefined): string {
  return value === undefined ? '' : `"${name}":${jcs(value, integer)},`
}

/** The same of members that are mostly what they were in the record before: so the last one of each is kept. */
const usual = {
  action: kept('action'),
  actor: kept('actor'),
  durationMs: kept('durationMs'),
  keyId: kept('keyId'),
  keyVersion: kept('keyVersion'),
  owner: kept('owner'),
  role: kept('role'),
  status: kept('status'),
  tenant: kept('tenant'),
  writer: kept('writer'),
}

function kept(name: string): (value: string | number | undefined) => string {
  let last: string | number | undefined
  let member = ''
  return (value) => {
    if (value === undefined) return ''
    if (value !== last) member = typeof value === 'number' ? json(name, value) : text(name, value)
    last = value
    return member
  }
}

function changeOf(change: RecordChange): Json {
  return {
    previous: change.previous,
    previousHash: change.previousHash,
    revision: change.revision,
    rows: change.rows.map(({ table, key, rev }) => ({ key: key as (string | number)[], rev, table })),
    stateRoot: change.stateRoot,
  }
}

let lastTime = { ms: NaN, members: '' }

/** RFC 3339 in UTC with milliseconds, and the version. A batch has one time, so the last one is kept. */
function isoTime(ms: number): string {
  if (ms !== lastTime.ms) {
    lastTime = { ms, members: `${text('ts', new Date(ms).toISOString())}${json('v', recordVersion)}` }
  }
  return lastTime.members
}

/** How much room a draft takes in the queue, roughly: never less than half of what its record will be. */
export function draftBytes(draft: RecordDraft): number {
  const texts = (draft.requestId?.length ?? 0) + (draft.reason?.length ?? 0) + draft.actor.id.length
  return 480 + texts + (Object.hasOwn(draft, 'context') ? contextBytes(draft.context) : 0)
}

function contextBytes(context: readonly string[] = []): number {
  let bytes = 0
  for (const pair of context) bytes += pair.length + 3
  return bytes
}
