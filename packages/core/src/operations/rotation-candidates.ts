import { z } from 'zod'
import { messagesOf } from '../keys/due.ts'
import { isSpent } from '../keys/messages.ts'
import { dayMs } from '../keys/validity.ts'
import type { Page, UseOperation } from '../runtime.ts'
import { decodeVersions } from '../state/decode.ts'
import { policyOf } from '../state/policy.ts'
import type { KeySpec } from '../state/rows.ts'
import { TransactionView } from '../state/view.ts'
import { pageOfKeys } from './shared/key-pages.ts'
import { pageFields, type PageRequest } from './shared/pages.ts'

/** Which keys to list for rotation. */
export interface RotationCandidatesRequest extends PageRequest {
  /** Keys without a rotation period of their own whose current version is so many days old, 0 to 36,500. @defaultValue 90 */
  readonly olderThanDays?: number | undefined
}

/** A key that should be rotated. */
export interface RotationCandidate {
  /** Its id. */
  readonly keyId: string
  /** Its name, where it has one. */
  readonly name: string | undefined
  /** What it is. */
  readonly spec: KeySpec
  /** The version that protects. */
  readonly currentVersion: number
  /** When that was made: by the last rotation, or with the key. */
  readonly rotatedAt: Date
  /** How many full days ago that was. */
  readonly daysSinceRotation: number
  /** How often its policy wants it rotated. */
  readonly rotationPeriodDays: number | undefined
  /** How many messages the version may have protected, where its policy wants it rotated after so many; never fewer than it has. */
  readonly messages: number | undefined
  /** After how many that is. */
  readonly rotateAfterMessages: number | undefined
}

const schema = z.strictObject({ olderThanDays: z.int().min(0).max(36_500).optional(), ...pageFields })
const defaultDays = 90

/** Lists enabled keys that should be rotated: by their own policy, or by their age, in the order of their ids. */
export const rotationCandidates: UseOperation<
  RotationCandidatesRequest,
  z.output<typeof schema>,
  Page<RotationCandidate>
> = {
  action: 'readMetrics',
  effect: 'read',
  schema,
  perform: async (request, walk) => {
    await walk.authorize('readMetrics')
    const { olderThanDays = defaultDays } = request
    return pageOfKeys(walk, request, async (key, { reader, tenant }) => {
      if (key.state !== 'Enabled') return undefined
      const row = await reader.get('versions', [tenant, key.id, key.currentVersion])
      const version = decodeVersions(row === undefined ? [] : [row])[0]
      if (version === undefined) return undefined
      const { rotationPeriodDays, rotateAfterMessages } = policyOf(key)
      const daysSinceRotation = Math.floor((walk.now - version.createdAt) / dayMs)
      const counted = await messagesOf(new TransactionView(reader, tenant), key)
      if (daysSinceRotation < (rotationPeriodDays ?? olderThanDays) && !isSpent(key, counted)) return undefined
      const messages = rotateAfterMessages === undefined ? undefined : counted
      const wanted = { rotationPeriodDays, messages, rotateAfterMessages }
      const { id: keyId, name, spec, currentVersion } = key
      const rotatedAt = new Date(version.createdAt)
      return { keyId, name: name ?? undefined, spec, currentVersion, rotatedAt, daysSinceRotation, ...wanted }
    })
  },
}
