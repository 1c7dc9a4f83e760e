import { z } from 'zod'
import { keyDefaults } from '../keys/defaults.ts'
import type { UseOperation } from '../runtime.ts'
import { describePolicy, type KeyPolicyDescription } from './shared/policies.ts'

const schema = z.strictObject({})

/** Says what new keys of the tenant have where nobody says otherwise. */
export const describeKeyDefaults: UseOperation<object, z.output<typeof schema>, KeyPolicyDescription> = {
  action: 'describeKeyDefaults',
  effect: 'read',
  schema,
  perform: async (_request, walk) => {
    await walk.authorize('describeKeyDefaults')
    return describePolicy((await walk.row(keyDefaults())) ?? { policy: '{}' })
  },
}
