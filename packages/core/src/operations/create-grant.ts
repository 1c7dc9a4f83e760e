import { z } from 'zod'
import { addGrant } from '../access/store.ts'
import type { ChangeOperation } from '../runtime.ts'
import { describeGrantRow, grantFields, planGrant } from './shared/grants.ts'
import type { CreateGrantRequest, GrantDescription } from './shared/grants.ts'

const schema = z.strictObject(grantFields)

/** Makes a grant. */
export const createGrant: ChangeOperation<CreateGrantRequest, z.output<typeof schema>, GrantDescription> = {
  action: 'createGrant',
  effect: 'change',
  schema,
  perform: async (request, change) => {
    const row = await planGrant(request, change)
    change.note({ grant: row.id, to: request.principal })
    await addGrant(change.set, row)
    return describeGrantRow(row)
  },
}
