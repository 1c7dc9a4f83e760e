import type { RecordDraft } from '../audit/record.ts'
import type { Row } from '../storage/table.ts'
import type { KmsEventType, RecordEvent } from './event.ts'
import type { LogLevel } from './logger.ts'

/** What is told of a record: under which event, and how it is logged. */
export interface Headline {
  /** The event besides `record`; `undefined` where it is nothing that anybody waits for. */
  readonly type: Exclude<KmsEventType, 'record' | 'tampering'> | undefined
  readonly level: LogLevel
  readonly message: string
}

const rotation = { type: 'rotation', level: 'info', message: 'key rotated' } as const
const expiry = { type: 'expiry', level: 'info', message: 'expired' } as const
const revocation = { type: 'revocation', level: 'info', message: 'revoked' } as const
const deletion = { type: 'deletion', level: 'info', message: 'deletion scheduled, cancelled or done' } as const
const change = { type: undefined, level: 'info', message: 'changed' } as const
const nothing = { type: undefined, level: 'debug', message: 'recorded' } as const
const denial = { type: 'denial', level: 'warn', message: 'denied' } as const
const failure = { type: 'failure', level: 'info', message: 'failed' } as const
const trouble = { type: 'failure', level: 'warn', message: 'failed for want of something else' } as const
const fault = { type: 'failure', level: 'error', message: 'failed unexpectedly' } as const

/** What a success of each operation is told as; all others are told as records only. */
const successes: ReadonlyMap<string, Headline> = new Map<string, Headline>([
  ['rotateKey', rotation],
  ['expireKey', expiry],
  ['expireVersion', expiry],
  ['revokeKey', revocation],
  ['revokeGrant', revocation],
  ['deactivatePrincipal', revocation],
  ['scheduleKeyDeletion', deletion],
  ['cancelKeyDeletion', deletion],
  ['destroyKey', deletion],
])

/** Failures that are the fault of nobody who called. */
const troubles: ReadonlySet<string> = new Set(['STORAGE_UNAVAILABLE', 'ROOT_KEY_UNAVAILABLE', 'STORAGE_TAMPERED'])

/** What a record is told as. */
export function headlineOf({ action, status, code }: RecordDraft, isChange: boolean): Headline {
  if (status === 'SUCCESS') return successes.get(action) ?? (isChange ? change : nothing)
  if (status === 'DENIED') return denial
  if (code === undefined) return fault
  return troubles.has(code) ? trouble : failure
}

/** What is told of a record. No context, no details: only what names, counts and times it. */
export function eventOf(draft: RecordDraft, row: Row, durationMs: number): RecordEvent {
  return Object.freeze({
    tenant: row['tenant'] as string,
    seq: row['seq'] as number,
    at: new Date(row['ts'] as number),
    action: draft.action,
    principal: draft.actor.id,
    role: draft.actor.role,
    status: draft.status,
    code: draft.code,
    reason: draft.reason,
    keyId: draft.keyId,
    keyVersion: draft.keyVersion,
    owner: draft.owner,
    requestId: draft.requestId,
    counts: draft.counts,
    durationMs,
  })
}
