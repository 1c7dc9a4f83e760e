import type { Pseudonyms } from './audit/pseudonym.ts'
import type { RecordDetails, RecordDraft, RecordStatus } from './audit/record.ts'
import { sha256 } from './crypto/hash.ts'
import type { Claim, Decision } from './decide.ts'
import { isKmsError } from './errors.ts'
import { reasonOf } from './internal/reason.ts'
import type { Actor, EncodedContext } from './stages.ts'

/** Who calls, and what the call is. */
export interface Caller {
  readonly actor: Actor
  /** The operation. */
  readonly action: string
  readonly requestId: string | undefined
  /** By the monotonic clock. */
  readonly startedAt: number
}

/** A claim that was decided. */
export interface DecidedClaim {
  readonly claim: Claim
  /** The key that the claim named, whether it exists or not. */
  readonly keyId: string | undefined
  readonly decision: Decision | undefined
  /** Key and version, or the code of the error: what must be the same if it is decided again. */
  readonly outcome: string
}

/** An operation, or one item of a many-verb: what it claimed, and how it failed, if it did. */
export interface Step {
  claims: DecidedClaim[]
  error?: unknown
}

/** Everything that the records of an operation are made of. */
export interface Told {
  readonly steps: readonly Step[]
  readonly many: boolean
  readonly details: RecordDetails | undefined
  readonly pseudonyms: Pseudonyms
}

/** One record per call and key: a single verb's claims one by one, a many-verb's counted. */
export function draftRecords(caller: Caller, told: Told): RecordDraft[] {
  return told.many ? draftMany(caller, told) : draftSingle(caller, told)
}

/** The record of something that claimed nothing, or could not. */
export function draftBare(caller: Caller, error: unknown, details?: RecordDetails): RecordDraft {
  const { action, actor, requestId, startedAt } = caller
  return { action, actor, requestId, startedAt, details, ...statusOf(error) }
}

function draftSingle(caller: Caller, { steps, details, pseudonyms }: Told): RecordDraft[] {
  const step = steps[0] as Step
  const { actor, requestId, startedAt } = caller
  const { status, code, reason } = statusOf(step.error)
  const draft = ({ claim, keyId, decision }: DecidedClaim): RecordDraft => {
    const { action } = claim
    const context = claim.kind === 'use' ? contextOf(claim.context, pseudonyms) : undefined
    const keyVersion = decision?.usable?.version.version
    const owner = decision?.key?.owner ?? undefined
    return { action, actor, requestId, startedAt, details, status, code, reason, keyId, keyVersion, owner, context }
  }
  const isOfPresence = step.claims.every(({ claim }) => claim.kind === 'presence')
  return isOfPresence ? [draftBare(caller, step.error, details)] : step.claims.map(draft)
}

function contextOf(context: EncodedContext | undefined, pseudonyms: Pseudonyms): readonly string[] | undefined {
  return context === undefined || context.pairs.length === 0 ? undefined : pseudonyms.ofContext(context)
}

interface Group {
  readonly action: string
  readonly keyId: string | undefined
  readonly owner: string | undefined
  readonly outcomes: string[]
  readonly errors: unknown[]
  ok: number
}

function draftMany(caller: Caller, told: Told): RecordDraft[] {
  const groups: Groups = { byName: new Map(), byClaim: new Map() }
  // The first step is the call itself, which claims nothing of its own.
  told.steps.slice(1).forEach((step, index) => addToGroups(groups, { caller, told }, { step, index }))
  const drafts = [...groups.byName.values()].map((group) => draftGroup(caller, told, group))
  return drafts.length === 0 ? [draftBare(caller, told.steps.at(-1)?.error, told.details)] : drafts
}

function addToGroups(groups: Groups, by: By, { step, index }: { step: Step; index: number }): void {
  const code = step.error === undefined ? 'OK' : (statusOf(step.error).code ?? 'OK')
  for (const claim of step.claims.length === 0 ? [unclaimed(by.caller)] : step.claims) {
    const { group, context } = placeOf(groups, claim, by.told.pseudonyms)
    group.outcomes.push(`${index}:${claim.outcome}:${code}${context}`)
    if (step.error === undefined) group.ok += 1
    else group.errors.push(step.error)
  }
}

function unclaimed({ action }: Caller): DecidedClaim {
  return { claim: { kind: 'action', action }, keyId: undefined, outcome: '', decision: undefined }
}

/** Records to be, by action and key; and where each claim belongs, which many items may have in common. */
interface Groups {
  readonly byName: Map<string, Group>
  readonly byClaim: Map<DecidedClaim, Place>
}

interface Place {
  readonly group: Group
  /** The pseudonyms of the claim's context, as the digest has them. */
  readonly context: string
}

function placeOf({ byName, byClaim }: Groups, decided: DecidedClaim, pseudonyms: Pseudonyms): Place {
  const known = byClaim.get(decided)
  if (known !== undefined) return known
  const { claim } = decided
  const context = claim.kind === 'use' && claim.context !== undefined ? pseudonyms.ofContext(claim.context) : []
  const place = { group: groupOf(byName, decided), context: context.map((each) => `:${each}`).join('') }
  byClaim.set(decided, place)
  return place
}

interface By {
  readonly caller: Caller
  readonly told: Told
}

function groupOf(groups: Map<string, Group>, { claim: { action }, keyId, decision }: DecidedClaim): Group {
  const name = `${action}\0${keyId ?? ''}`
  const owner = decision?.key?.owner ?? undefined
  const group = groups.get(name) ?? { action, keyId, owner, outcomes: [], errors: [], ok: 0 }
  groups.set(name, group)
  return group
}

function draftGroup(caller: Caller, told: Told, group: Group): RecordDraft {
  const bare = draftBare(caller, group.errors[0], told.details)
  const denied = group.ok === 0 && group.errors.every((error) => statusOf(error).status === 'DENIED')
  return {
    ...bare,
    status: bare.status === 'DENIED' && !denied ? 'FAILURE' : bare.status,
    action: group.action,
    keyId: group.keyId,
    owner: group.owner,
    counts: { ok: group.ok, failed: group.errors.length },
    digest: sha256(Buffer.from(group.outcomes.join('\n'), 'utf8')).toString('hex'),
  }
}

interface Status {
  readonly status: RecordStatus
  readonly code: string | undefined
  readonly reason: string | undefined
}

const success: Status = { status: 'SUCCESS', code: undefined, reason: undefined }

/** How an error is recorded. */
function statusOf(error: unknown): Status {
  if (error === undefined) return success
  if (!isKmsError(error)) return { status: 'FAILURE', code: undefined, reason: 'unexpected error' }
  return { status: error.code === 'ACCESS_DENIED' ? 'DENIED' : 'FAILURE', code: error.code, reason: reasonOf(error) }
}
