import { AccessDeniedError } from '../errors.ts'
import { withReason } from '../internal/reason.ts'
import type { Actor, Authorized, Intent } from '../stages.ts'
import type { StateView } from '../state/view.ts'
import { grantOperation } from './grant-operation.ts'
import { grantsOn, isUnconditional, meets, principalById } from './grant.ts'

/** What the role `auditor` may do besides the operations that the table of grants marks for it. */
const auditorActions: ReadonlySet<string> = new Set([
  'readAudit',
  'verifyAudit',
  'checkpointAudit',
  'proveAuditInclusion',
  'proveAuditConsistency',
  'getAuditVerifierKey',
  'exportAudit',
  'listAnchors',
  'readMetrics',
  'health',
  'listAliases',
  'describeKeyDefaults',
  'listQuotas',
])

/** What any active principal may do: it carries no key, plaintext or permission. */
const openActions: ReadonlySet<string> = new Set(['health'])

/**
 * Decides whether an actor may carry out an intent: everything that is not allowed is denied.
 *
 * A principal that was deactivated may do nothing. `admin` may do everything, `auditor` what reads and never what uses
 * a key, `service` what a grant names. That the key exists is not checked here, so whoever may not see it cannot tell.
 *
 * @throws AccessDeniedError
 */
export async function authorize(view: StateView, actor: Actor, request: Request): Promise<Authorized> {
  const { intent } = request
  await requireActive(view, actor)
  if (actor.role === 'admin' || openActions.has(intent.action)) return permit(intent, always)
  if (actor.role === 'auditor') {
    if (!auditorActions.has(intent.action) && grantOperation(intent.action)?.auditor !== true) {
      throw denied('auditors read, and do nothing else')
    }
    return permit(intent, always)
  }
  return permit(intent, await granted(view, actor, request))
}

/** Refuses a principal that was deactivated, whatever the host says of it. @throws AccessDeniedError */
export async function requireActive(view: StateView, actor: Actor): Promise<void> {
  const principal = await view.read(principalById(actor.id))
  if (principal !== undefined && principal.active !== 1) throw denied('the principal is deactivated')
}

/** An intent, and the time at which it is judged. */
export interface Request {
  readonly intent: Intent
  readonly now: number
}

type Terms = Pick<Authorized, 'validUntil' | 'withAnyContext'>

const always: Terms = Object.freeze({ validUntil: Infinity, withAnyContext: true })

function permit(intent: Intent, { validUntil, withAnyContext }: Terms): Authorized {
  return { intent, validUntil, withAnyContext } as Authorized
}

/** When the longest-lived grant that covers it ends, and whether grants for it ask for a context. */
async function granted(view: StateView, actor: Actor, { intent, now }: Request): Promise<Terms> {
  if (grantOperation(intent.action) === undefined) throw denied('only admins may do this')
  const own = intent.keyId === undefined ? [] : await view.read(grantsOn(actor.id, intent.keyId))
  const grants = [...own, ...(await view.read(grantsOn(actor.id, '*')))]
  const named = grants.filter(({ operations }) => operations.has(intent.action))
  const ends = named
    .filter(({ constraints }) => meets(constraints, intent.context))
    .map(({ row }) => row.expiresAt ?? Infinity)
  const validUntil = Math.max(...ends)
  if (validUntil === -Infinity) throw denied('no grant covers it')
  if (validUntil <= now) throw denied('the grant has expired')
  return { validUntil, withAnyContext: named.every(({ constraints }) => isUnconditional(constraints)) }
}

function denied(reason: string): AccessDeniedError {
  return withReason(new AccessDeniedError('this principal may not do this'), reason)
}
