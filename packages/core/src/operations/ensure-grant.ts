import { z } from 'zod'
import { addGrant, findGrantNamed } from '../access/store.ts'
import { ConflictError } from '../errors.ts'
import type { ChangeOperation } from '../runtime.ts'
import { name } from './shared/fields.ts'
import { describeGrant, describeGrantRow, grantFields, planGrant, sameGrant } from './shared/grants.ts'
import type { CreateGrantRequest, GrantDescription } from './shared/grants.ts'

/** A grant to find by its name, or else to make. */
export interface EnsureGrantRequest extends CreateGrantRequest {
  readonly name: string
}

const schema = z.strictObject({ ...grantFields, name })

/** Finds the grant of a name, or makes it. One that says something else is a conflict. */
export const ensureGrant: ChangeOperation<EnsureGrantRequest, z.output<typeof schema>, GrantDescription> = {
  action: 'createGrant',
  effect: 'change',
  schema,
  perform: async (request, change) => {
    const row = await planGrant(request, change)
    const found = await findGrantNamed(change.set, request.name)
    change.note({ grant: found?.row.id ?? row.id, to: request.principal, existed: found !== undefined })
    if (found === undefined) {
      await addGrant(change.set, row)
      return describeGrantRow(row)
    }
    if (!sameGrant(found.row, row)) throw new ConflictError('the grant of this name says something else')
    return describeGrant(found)
  },
}
