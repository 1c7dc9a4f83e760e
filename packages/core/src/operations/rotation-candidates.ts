import { z } from 'zod'
import { at } from '../audit/usage/numbers.ts'
import { readStanding } from '../audit/usage/usage-view.ts'
import { messagesOf } from '../keys/due.ts'
import { isSpent } from '../keys/messages.ts'
import { keySpecs } from '../keys/spec.ts'
import { dayMs } from '../keys/validity.ts'
import type { Page, SnapshotOf, UseOperation } from '../runtime.ts'
import { decodeVersions } from '../state/decode.ts'
import { policyOf } from '../state/policy.ts'
import type { KeyRow, KeySpec } from '../state/rows.ts'
import { TransactionView } from '../state/view.ts'
import type { StorageReader } from '../storage/adapter.ts'
import { pageOfKeys } from './shared/key-pages.ts'
import { pageFields, type PageRequest } from './shared/pages.ts'

/** Which keys to list for rotation. */
export interface RotationCandidatesRequest extends PageRequest {
  /** Keys without a rotation period of their own whose current version is so many days old, 0 to 36,500. @defaultValue 90 */
  readonly olderThanDays?: number | undefined
}

/**
 * Why a key should be rotated: `bound`, its version may have protected as much as its construction is for;
 * `rotateAfterMessages` and `rotationPeriodDays`, its policy wants it; `age`, it has no period and is as old as was asked.
 */
export type RotationReason = 'bound' | 'rotateAfterMessages' | 'rotationPeriodDays' | 'age'

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
  /** Why: the first of {@link RotationReason} that holds. */
  readonly reason: RotationReason
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

/** Lists enabled keys that should be rotated: by their own policy, their age or their bound, in the order of their ids. */
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
    const bounds = new Bounds()
    return pageOfKeys(walk, request, async (key, on) => {
      if (key.state !== 'Enabled') return undefined
      const row = await on.reader.get('versions', [on.tenant, key.id, key.currentVersion])
      const version = decodeVersions(row === undefined ? [] : [row])[0]
      if (version === undefined) return undefined
      const { rotationPeriodDays, rotateAfterMessages } = policyOf(key)
      const daysSinceRotation = Math.floor((walk.now - version.createdAt) / dayMs)
      const counted = await messagesOf(new TransactionView(on.reader, on.tenant), key)
      const spoken = { isSpentNow: isSpent(key, counted), isBound: await bounds.mayBeReached(key, on) }
      const reason = reasonOf(key, { ...spoken, daysSinceRotation, olderThanDays })
      if (reason === undefined) return undefined
      const messages = rotateAfterMessages === undefined ? undefined : counted
      const wanted = { rotationPeriodDays, messages, rotateAfterMessages }
      const { id: keyId, name, spec, currentVersion } = key
      const rotatedAt = new Date(version.createdAt)
      return { keyId, name: name ?? undefined, spec, currentVersion, rotatedAt, reason, daysSinceRotation, ...wanted }
    })
  },
}

/** What speaks for a rotation. */
interface Pleas {
  readonly isBound: boolean
  readonly isSpentNow: boolean
  readonly daysSinceRotation: number
  readonly olderThanDays: number
}

function reasonOf(key: KeyRow, { isBound, isSpentNow, daysSinceRotation, olderThanDays }: Pleas): Why {
  if (isBound) return 'bound'
  if (isSpentNow) return 'rotateAfterMessages'
  const { rotationPeriodDays } = policyOf(key)
  if (daysSinceRotation < (rotationPeriodDays ?? olderThanDays)) return undefined
  return rotationPeriodDays === undefined ? 'age' : 'rotationPeriodDays'
}

type Why = RotationReason | undefined

/** What may have been done as often as constructions are for: as often as in the whole tenant, which is counted already. */
class Bounds {
  #total: ReturnType<typeof readStanding> | undefined

  async mayBeReached({ spec }: KeyRow, { reader, ...of }: SnapshotOf & { reader: StorageReader }): Promise<boolean> {
    const { bound } = keySpecs[spec]
    if (bound === undefined) return false
    this.#total ??= readStanding(reader, of)
    const { total } = await this.#total
    return (total.get(bound.operation)?.[at.itemsOk] ?? 0) >= bound.most
  }
}
