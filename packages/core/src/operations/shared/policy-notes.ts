import type { ChangeWalk } from '../../runtime.ts'
import { policyNames } from '../../state/policy.ts'
import type { ParsedPolicies } from './policies.ts'

/** Notes which policies are changed, and to what: whoever weakens one is on record with it. */
export function notePolicies(change: ChangeWalk, policies: ParsedPolicies): void {
  for (const name of policyNames) {
    const value = policies[name]
    if (value !== undefined) change.note({ [name]: value ?? 'none' })
  }
}
