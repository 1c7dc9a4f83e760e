import { z } from 'zod'
import { findGrant, findGrantNamed, removeGrant } from '../access/store.ts'
import { AccessDeniedError, ConflictError } from '../errors.ts'
import { isUuid } from '../internal/uuid.ts'
import { withReason } from '../internal/reason.ts'
import type { ChangeOperation } from '../runtime.ts'
import { id, name, reason } from './shared/fields.ts'
import { describeGrant, type GrantDescription } from './shared/grants.ts'

/** A grant to take back. */
export interface RevokeGrantRequest {
  /** Its id or its name. */
  readonly grant: string
  /** Why, at most 256 characters. Recorded. */
  readonly reason?: string | undefined
}

const schema = z.strictObject({ grant: z.union([id, name]), reason: reason.optional() })

/** Takes a grant back. No operation recorded after it succeeds by it, in whatever process. */
export const revokeGrant: ChangeOperation<RevokeGrantRequest, z.output<typeof schema>, GrantDescription> = {
  action: 'revokeGrant',
  effect: 'change',
  schema,
  perform: async (request, change) => {
    change.note({ grant: request.grant, ...(request.reason === undefined ? {} : { why: request.reason }) })
    const find = isUuid(request.grant) ? findGrant : findGrantNamed
    const grant = await find(change.set, request.grant)
    if (grant === undefined) {
      // Whoever may not see the grant cannot tell that there is none.
      await change.authorize('revokeGrant')
      if (change.actor.role !== 'admin') throw unseen()
      // One that is merely hidden would be there again with its row.
      if (isUuid(request.grant)) change.absent({ table: 'grants', id: request.grant })
      throw new ConflictError('there is no such grant')
    }
    await change.authorize('revokeGrant', grant.row.keyId)
    change.note({ to: grant.row.principal })
    await removeGrant(change.set, grant)
    return describeGrant(grant)
  },
}

function unseen(): AccessDeniedError {
  return withReason(new AccessDeniedError('this principal may not do this'), 'no such grant')
}
