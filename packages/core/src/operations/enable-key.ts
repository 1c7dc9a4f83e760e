import { z } from 'zod'
import { moveKey, resumeVersion } from '../keys/store.ts'
import type { ChangeOperation } from '../runtime.ts'
import { keyStateFields, markOf, type KeyStateRequest } from './shared/key-state.ts'
import { describeKeyRow, type KeyDescription } from './shared/keys.ts'

const schema = z.strictObject(keyStateFields)

/** Enables a disabled key, or makes a disabled version what it was before. */
export const enableKey: ChangeOperation<KeyStateRequest, z.output<typeof schema>, KeyDescription> = {
  action: 'enableKey',
  effect: 'change',
  schema,
  perform: async (request, change) => {
    const key = await change.key('enableKey', request.key)
    const mark = markOf(change, request)
    const { version } = request
    if (version !== undefined) return describeKeyRow(await resumeVersion(change.set, key, { version, mark }))
    return describeKeyRow(await moveKey(change.set, key, { from: ['Disabled'], state: 'Enabled', mark }))
  },
}
