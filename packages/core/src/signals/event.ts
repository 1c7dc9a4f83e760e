import type { RecordCounts, RecordStatus } from '../audit/record.ts'
import type { Role } from '../stages.ts'

/** What `kms.on` tells of, by type. Each is told after its record is durable, by the process that wrote it. */
export interface KmsEvents {
  /** A key has a new current version. */
  readonly rotation: RecordEvent
  /** Something has come to its end: material, a key, a version. */
  readonly expiry: RecordEvent
  /** A key, version or grant was revoked, or a principal deactivated. A key that is disabled is told as a record only. */
  readonly revocation: RecordEvent
  /** The deletion of a key was scheduled or cancelled, or it was destroyed. */
  readonly deletion: RecordEvent
  /** Somebody asked for what they may not do. */
  readonly denial: RecordEvent
  /** An operation failed for another reason: a state that forbids it, a ciphertext that does not open, a fault. */
  readonly failure: RecordEvent
  /** What is stored does not verify, or is older than what this process has seen. Of this there may be no record. */
  readonly tampering: TamperingEvent
  /** Any record at all, the ones above among them. */
  readonly record: RecordEvent
}

/** The names of {@link KmsEvents}. */
export type KmsEventType = keyof KmsEvents

/** The names, for those who ask at run time. */
export const eventTypes = [
  'rotation',
  'expiry',
  'revocation',
  'deletion',
  'denial',
  'failure',
  'tampering',
  'record',
] as const satisfies readonly KmsEventType[]

/** Something that was recorded: what the record says, without what could identify a message. */
export interface RecordEvent {
  /** Whose log it is. */
  readonly tenant: string
  /** Position of the record in the log. */
  readonly seq: number
  /** Time of the record. */
  readonly at: Date
  /** The operation, by the name that a grant gives it. */
  readonly action: string
  /** Who asked. */
  readonly principal: string
  /** Who asked, by role. */
  readonly role: Role
  /** How it ended. */
  readonly status: RecordStatus
  /** Code of the error that the caller got. */
  readonly code?: string | undefined
  /** The true reason, which the caller may not have been told. */
  readonly reason?: string | undefined
  /** The key that it was about. */
  readonly keyId?: string | undefined
  /** The version that was used, or is the current one now. */
  readonly keyVersion?: number | undefined
  /** Whom the key belongs to, in the host's words. */
  readonly owner?: string | undefined
  /** The caller's name for the request. */
  readonly requestId?: string | undefined
  /** Of a many-verb: how many items succeeded and failed. */
  readonly counts?: RecordCounts | undefined
  /** From the call to the record, in milliseconds. */
  readonly durationMs: number
}

/** A sign that somebody has changed what is stored. */
export interface TamperingEvent {
  /** Whose storage it is. */
  readonly tenant: string
  /** When it was noticed. */
  readonly at: Date
  /** `STORAGE_TAMPERED` or `ROLLBACK_DETECTED`. */
  readonly code: string
  /** What does not fit. */
  readonly message: string
  /** The operation that noticed. */
  readonly action: string
}
