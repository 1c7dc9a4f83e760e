import { z } from 'zod'
import { verifierKey } from '../audit/checkpoint.ts'
import { signingPurpose } from '../audit/log-keys.ts'
import { publicKeyOf, signingKey } from '../crypto/ed25519.ts'
import { ConflictError, LimitExceededError } from '../errors.ts'
import { limits } from '../internal/defaults.ts'
import { newSecret } from '../keys/house-secret.ts'
import { logKeyCount, signEpochs } from '../keys/keyring-store.ts'
import type { ChangeOperation } from '../runtime.ts'
import { reason } from './shared/fields.ts'

/** Why the log gets another key. */
export interface RotateAuditKeyRequest {
  /** For the record. @defaultValue none */
  readonly reason?: string | undefined
}

/** The log's new key. */
export interface RotateAuditKeyResult {
  /** The key in force from this record on: a C2SP verifier key. */
  readonly verifierKey: string
  /** How many keys the log has had. */
  readonly version: number
}

const schema: z.ZodType<RotateAuditKeyRequest, RotateAuditKeyRequest> = z.strictObject({ reason: reason.optional() })

/**
 * Puts another key in force for the audit log's checkpoints. The record carries it, and the checkpoint of the same batch
 * is signed by both, so that whoever trusts the old key may trust the new one.
 */
export const rotateAuditKey: ChangeOperation<RotateAuditKeyRequest, RotateAuditKeyRequest, RotateAuditKeyResult> = {
  action: 'rotateAuditKey',
  effect: 'change',
  schema,
  perform: async (request, change) => {
    await change.authorize('rotateAuditKey')
    const known = await change.set.read(logKeyCount)
    if (known >= limits.items) throw new LimitExceededError('the audit log has had too many keys')
    const place = { tenant: change.tenant, purpose: signingPurpose, version: known + 1 } as const
    const secret = newSecret(change.keyring, place, { random: change.random, now: change.now, use: signingKey })
    await change.set.insert('secrets', secret.row, () => new ConflictError('somebody else rotated the key'))
    await signEpochs(change.set, secret.made)
    const made = { verifierKey: verifierKey(change.auditOrigin, publicKeyOf(secret.made)), version: place.version }
    change.note({ ...made, ...(request.reason === undefined ? {} : { why: request.reason }) })
    return made
  },
}
