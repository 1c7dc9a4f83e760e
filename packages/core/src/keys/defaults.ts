import { StorageTamperedError } from '../errors.ts'
import type { ChangeSet } from '../state/change-set.ts'
import { decodeKeyDefaults } from '../state/decode.ts'
import type { KeyDefaultsRow } from '../state/lifecycle-rows.ts'
import { policyOf, type KeyPolicy } from '../state/policy.ts'
import type { Query } from '../state/query.ts'
import type { StateView } from '../state/view.ts'
import type { Mark } from './store.ts'

const name = 'policy'

/** What new keys of the tenant have; nothing where nobody has said anything. */
export function keyDefaults(): Query<KeyDefaultsRow | undefined> {
  return { table: 'key_defaults', key: [name], decode: (rows) => decodeKeyDefaults(rows)[0] }
}

/** The policy that a new key has where nobody says otherwise. */
export async function defaultPolicy(view: StateView): Promise<KeyPolicy> {
  return policyOf((await view.read(keyDefaults())) ?? { policy: '{}' })
}

/** The part of it that a key of this origin can have: nobody but its owner rotates material that was brought. */
export function policyFor(policy: KeyPolicy, origin: string): KeyPolicy {
  if (origin !== 'EXTERNAL') return policy
  const { rotationPeriodDays: _, rotateAfterMessages: __, ...others } = policy
  return others
}

/** Says what new keys have from now on. Keys that there are stay as they are. */
export async function putDefaultPolicy(change: ChangeSet, policy: string, mark: Mark): Promise<KeyDefaultsRow> {
  const known = await change.read(keyDefaults())
  const changed = { policy, changedAt: mark.now, changedBy: mark.actor }
  if (known !== undefined) return change.update('key_defaults', known, changed)
  const row = { name, ...changed, createdAt: mark.now, createdBy: mark.actor }
  await change.insert('key_defaults', row, () => new StorageTamperedError('defaults that were not there are there'))
  return { tenant: '', ...row, rev: 1 }
}
