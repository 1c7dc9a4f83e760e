import { z } from 'zod'
import { setPrincipal } from '../../access/store.ts'
import { InvalidRequestError } from '../../errors.ts'
import type { ChangeWalk } from '../../runtime.ts'
import { principalId, reason } from './fields.ts'

/** A principal of whom something is said. */
export interface PrincipalRequest {
  /** The principal, by its id. */
  readonly principal: string
  /** Why, at most 256 characters. Recorded. */
  readonly reason?: string | undefined
}

/** What was said of a principal. */
export interface PrincipalDescription {
  /** The principal. */
  readonly id: string
  /** Whether it is let in. */
  readonly active: boolean
}

/** The schema of {@link PrincipalRequest}. */
export const principalSchema = z.strictObject({ principal: principalId, reason: reason.optional() })

/** Says that a principal is active, or is not. Nobody says so of itself, so that one who may always remains. */
export async function mark(
  change: ChangeWalk,
  request: z.output<typeof principalSchema>,
  active: boolean,
): Promise<PrincipalDescription> {
  const { principal, reason: why } = request
  change.note({ principal, ...(why === undefined ? {} : { why }) })
  await change.authorize(active ? 'activatePrincipal' : 'deactivatePrincipal')
  if (principal === change.actor.id) throw new InvalidRequestError('a principal cannot say this of itself')
  await setPrincipal(change.set, { id: principal, active, actor: change.actor.id, now: change.now, reason: why })
  return { id: principal, active }
}
