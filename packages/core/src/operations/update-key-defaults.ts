import { z } from 'zod'
import { defaultPolicy, putDefaultPolicy } from '../keys/defaults.ts'
import type { ChangeOperation } from '../runtime.ts'
import { markOf } from './shared/key-state.ts'
import { describePolicy, durationFields, mergePolicy, policyColumn } from './shared/policies.ts'
import type { KeyDurations, KeyPolicyDescription } from './shared/policies.ts'
import { notePolicies } from './shared/policy-notes.ts'

const schema = z.strictObject(durationFields)

/** Changes what new keys of the tenant have where nobody says otherwise. Keys that there are stay as they are. */
export const updateKeyDefaults: ChangeOperation<KeyDurations, z.output<typeof schema>, KeyPolicyDescription> = {
  action: 'updateKeyDefaults',
  effect: 'change',
  schema,
  perform: async (request, change) => {
    await change.authorize('updateKeyDefaults')
    const policy = mergePolicy(await defaultPolicy(change.set), request)
    notePolicies(change, request)
    return describePolicy(await putDefaultPolicy(change.set, policyColumn(policy), markOf(change, {})))
  },
}
