import { z } from 'zod'
import { requireState, invalidState } from '../keys/state.ts'
import type { ChangeOperation } from '../runtime.ts'
import { keyReference } from './shared/fields.ts'
import { describeKeyRow, settingsColumns, settingsFields } from './shared/keys.ts'
import type { KeyDescription, KeySettings } from './shared/keys.ts'

/** What to change of a key. What is not given stays. */
export interface UpdateKeyRequest extends KeySettings {
  /** The key: id or name. */
  readonly key: string
  /** Versions below this one no longer decrypt: at least 1, at most the current version. */
  readonly minDecryptVersion?: number | undefined
}

const schema = z.strictObject({
  key: keyReference,
  minDecryptVersion: z.int().min(1).max(0xffff_ffff).optional(),
  ...settingsFields,
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
    return describeKeyRow(await change.set.update('keys', key, { ...settingsColumns(request), minDecryptVersion }))
  },
}
