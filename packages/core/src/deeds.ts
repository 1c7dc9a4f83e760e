import { countedUses } from './access/quota.ts'
import type { Charge } from './audit/entry.ts'
import type { Deed, Spending } from './audit/meter.ts'
import type { RecordDraft } from './audit/record.ts'
import type { Decision } from './decide.ts'
import type { DecidedClaim, Step } from './drafts.ts'
import type { KmsError } from './errors.ts'
import { policyOf } from './state/policy.ts'

/** What is counted of an operation, if anything is. Refused, it is refused as a whole: nothing that it did is released. */
export function chargeOf(
  steps: readonly Step[],
  principal: string,
  draft: (steps: readonly Step[]) => readonly RecordDraft[],
): Charge | undefined {
  const deeds = deedsOf(steps, principal)
  if (deeds.length === 0) return undefined
  const refused = (why: KmsError): readonly RecordDraft[] =>
    draft(steps.map((step) => ({ ...step, error: step.error ?? why })))
  return { deeds, refused }
}

/** What an operation, or the items of a many-verb, did that can be counted: nothing of what failed. */
function deedsOf(steps: readonly Step[], principal: string): readonly Deed[] {
  const only = steps.length === 1 && steps[0]?.claims.length === 1 ? steps[0].claims[0] : undefined
  // Nearly all calls are one step with one claim.
  if (only !== undefined) return isCounted(only) ? [deedOf(only, { principal, count: 1 })] : []
  const counts = new Map<Decision, { readonly claim: DecidedClaim; count: number }>()
  for (const { claims, error } of steps) {
    if (error !== undefined) continue
    for (const claim of claims) if (isCounted(claim)) countIn(counts, claim)
  }
  return [...counts.values()].map(({ claim, count }) => deedOf(claim, { principal, count }))
}

/** Claims of items that share a decision did the same, each with its own encryption context perhaps. */
function countIn(counts: Map<Decision, { readonly claim: DecidedClaim; count: number }>, claim: Granted): void {
  const known = counts.get(claim.decision)
  if (known === undefined) counts.set(claim.decision, { claim, count: 1 })
  else known.count += 1
}

type Granted = DecidedClaim & { readonly decision: Decision }

function isCounted(decided: DecidedClaim): decided is Granted {
  const { claim, decision } = decided
  if (decision === undefined || !countedUses.has(claim.action)) return false
  return (claim.kind !== 'use' && claim.kind !== 'useAll') || claim.again !== true
}

function deedOf(decided: DecidedClaim, by: Pick<Deed, 'principal' | 'count'>): Deed {
  const { claim, decision } = decided
  const { principal, count } = by
  const owner = decision?.key?.owner ?? undefined
  return { action: claim.action, owner, spends: spendingOf(decided), principal, count }
}

function spendingOf({ claim, decision }: DecidedClaim): Spending | undefined {
  if (claim.kind !== 'use' || claim.need !== 'protect' || decision?.usable === undefined) return undefined
  const { key, version } = decision.usable
  const { rotateAfterMessages: most } = policyOf(key)
  return most === undefined ? undefined : { keyId: key.id, version: version.version, most }
}
