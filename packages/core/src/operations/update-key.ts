import { z } from 'zod'
import { settleKey } from '../keys/due.ts'
import { invalidState } from '../keys/invalid-state.ts'
import { settleLabels } from '../keys/labels.ts'
import { requireState } from '../keys/state.ts'
import type { ChangeOperation } from '../runtime.ts'
import { policyOf } from '../state/policy.ts'
import { keyReference } from './shared/fields.ts'
import { describeKeyRow, settingsColumns, settingsFields } from './shared/keys.ts'
import type { KeyDescription } from './shared/keys.ts'
import type { KeyPolicies } from './shared/policies.ts'
import { notePolicies } from './shared/policy-notes.ts'

/** What to change of a key. What is not given stays; a policy of `null` ends. */
export interface UpdateKeyRequest extends KeyPolicies {
  /** The key: id or name. */
  readonly key: string
  /** For people, at most 1,024 characters. `null` takes it away. */
  readonly description?: string | null | undefined
  /** In place of all that there are: at most 50 pairs; keys of at most 128 characters, values of at most 256. */
  readonly tags?: Readonly<Record<string, string>> | undefined
  /** Whom the key belongs to, in the host's words, at most 256 characters. `null` takes it away. */
  readonly owner?: string | null | undefined
  /** Versions below this one no longer decrypt: at least 1, at most the current version. */
  readonly minDecryptVersion?: number | undefined
}

const schema = z.strictObject({
  key: keyReference,
  minDecryptVersion: z.int().min(1).max(0xffff_ffff).optional(),
  ...settingsFields,
  description: settingsFields.description.nullable(),
  owner: settingsFields.owner.nullable(),
})

/** Changes a key's settings. */
export const updateKey: ChangeOperation<UpdateKeyRequest, z.output<typeof schema>, KeyDescription> = {
  action: 'updateKey',
  effect: 'change',
  schema,
  perform: async (request, change) => {
    const key = await change.key('updateKey', request.key)
    requireState(key, 'manage')
    const minDecryptVersion = request.minDecryptVersion ?? key.minDecryptVersion
    if (minDecryptVersion > key.currentVersion) throw invalidState('minDecryptVersion is above the current version')
    const columns = settingsColumns(request, { policy: policyOf(key), origin: key.origin })
    notePolicies(change, request)
    if (request.minDecryptVersion !== undefined) change.note({ minDecryptVersion })
    const updated = await change.set.update('keys', key, { ...columns, minDecryptVersion })
    if (updated.owner !== key.owner || updated.tags !== key.tags) await settleLabels(change.set, updated)
    await settleKey(change.set, updated)
    return describeKeyRow(updated)
  },
}
