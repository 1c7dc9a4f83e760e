import { z } from 'zod'
import { grantsOn } from '../access/grant.ts'
import { addGrant, removeGrant } from '../access/store.ts'
import type { ChangeOperation } from '../runtime.ts'
import { describeGrantRow, grantFields, planGrant } from './shared/grants.ts'
import type { CreateGrantRequest, GrantDescription } from './shared/grants.ts'

/** What a principal's grant on a key is to say from now on. */
export type UpsertGrantRequest = Omit<CreateGrantRequest, 'name'>

const { name: _, ...fields } = grantFields
const schema = z.strictObject(fields)

/** Makes this the one grant without a name that a principal has on a key: inserts it, or puts it in the others' place. */
export const upsertGrant: ChangeOperation<UpsertGrantRequest, z.output<typeof schema>, GrantDescription> = {
  action: 'createGrant',
  effect: 'change',
  schema,
  perform: async (request, change) => {
    const row = await planGrant(request, change)
    const others = await change.set.read(grantsOn(row.principal, row.keyId))
    const replaced = others.filter((grant) => grant.row.name === null)
    if (replaced.length > 0) await change.authorize('revokeGrant', row.keyId)
    for (const grant of replaced) await removeGrant(change.set, grant)
    change.note({ grant: row.id, to: request.principal, replaced: replaced.length })
    await addGrant(change.set, row)
    return describeGrantRow(row)
  },
}
