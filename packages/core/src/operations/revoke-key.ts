import { z } from 'zod'
import { moveKey, stopVersion } from '../keys/store.ts'
import type { ChangeOperation } from '../runtime.ts'
import { keyStateFields, markOf, type KeyStateRequest } from './shared/key-state.ts'
import { reason } from './shared/fields.ts'
import { describeKeyRow, type KeyDescription } from './shared/keys.ts'

/** A key, or one version of it, that is never to be used again. */
export interface RevokeKeyRequest extends KeyStateRequest {
  readonly reason: string
}

const schema = z.strictObject({ ...keyStateFields, reason })

/** Revokes a key, or one version of it, for ever. Whoever lost its current version so rotates, then enables the key. */
export const revokeKey: ChangeOperation<RevokeKeyRequest, z.output<typeof schema>, KeyDescription> = {
  action: 'revokeKey',
  effect: 'change',
  schema,
  perform: async (request, change) => {
    const key = await change.key('revokeKey', request.key)
    const mark = markOf(change, request)
    const { version } = request
    const move = { from: ['Enabled', 'Disabled'], state: 'Revoked', mark } as const
    if (version === undefined) return describeKeyRow(await moveKey(change.set, key, move))
    return describeKeyRow(await stopVersion(change.set, key, { version, state: 'revoked', mark }))
  },
}
