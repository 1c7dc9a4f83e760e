import { countedUses } from './access/quota.ts'
import type { Charge } from './audit/entry.ts'
import type { Deed, Spending } from './audit/meter.ts'
import type { RecordDraft } from './audit/record.ts'
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
  const [only] = steps
  // Nearly all calls are one step with one claim.
  if (steps.length === 1 && only?.claims.length === 1) {
    return only.claims.filter(isCounted).map((claim) => deedOf(claim, { principal, count: 1 }))
  }
  const counts = new Map<DecidedClaim, number>()
  for (const { claims, error } of steps) {
    if (error !== undefined) continue
    // Items that claimed the same share one claim.
    for (const claim of claims) if (isCounted(claim)) counts.set(claim, (counts.get(claim) ?? 0) + 1)
  }
  return [...counts].map(([claim, count]) => deedOf(claim, { principal, count }))
}

function isCounted({ claim, decision }: DecidedClaim): boolean {
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
