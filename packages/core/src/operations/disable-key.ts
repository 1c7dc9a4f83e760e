import { z } from 'zod'
import { moveKey, stopVersion } from '../keys/store.ts'
import type { ChangeOperation } from '../runtime.ts'
import { keyStateFields, markOf, type KeyStateRequest } from './shared/key-state.ts'
import { describeKeyRow, type KeyDescription } from './shared/keys.ts'

const schema = z.strictObject(keyStateFields)

/** Disables a key, or one version of it, until it is enabled again. */
export const disableKey: ChangeOperation<KeyStateRequest, z.output<typeof schema>, KeyDescription> = {
  action: 'disableKey',
  effect: 'change',
  schema,
  perform: async (request, change) => {
    const key = await change.key('disableKey', request.key)
    const mark = markOf(change, request)
    const { version } = request
    const move = { from: ['Enabled'], state: 'Disabled', mark } as const
    if (version === undefined) return describeKeyRow(await moveKey(change.set, key, move))
    return describeKeyRow(await stopVersion(change.set, key, { version, state: 'disabled', mark }))
  },
}
