import { z } from 'zod'
import { requireState } from '../keys/state.ts'
import { trimVersions } from '../keys/trim.ts'
import type { ChangeOperation } from '../runtime.ts'
import { keyReference } from './shared/fields.ts'
import { markOf } from './shared/key-state.ts'

/** A key whose old versions are no longer needed. */
export interface TrimKeyRequest {
  /** The key: id, name or alias. */
  readonly key: string
}

/** What was trimmed. */
export interface TrimKeyResult {
  /** The versions that were destroyed now, oldest first: at most 24. */
  readonly destroyed: readonly number[]
  /** Whether there may be more: call again. */
  readonly more: boolean
}

const schema = z.strictObject({ key: keyReference })

/** Destroys versions below `minDecryptVersion` for ever. What they protected can never be read again. */
export const trimKey: ChangeOperation<TrimKeyRequest, z.output<typeof schema>, TrimKeyResult> = {
  action: 'trimKey',
  effect: 'change',
  schema,
  perform: async (request, change) => {
    const key = await change.key('trimKey', request.key)
    requireState(key, 'manage')
    const by = { key, keyring: change.keyring, mark: markOf(change, {}) }
    const trimmed = await trimVersions(change.set, by)
    const [first] = trimmed.destroyed
    if (first !== undefined) change.note({ first, last: trimmed.destroyed.at(-1) as number })
    change.note({ destroyed: trimmed.destroyed.length })
    return trimmed
  },
}
