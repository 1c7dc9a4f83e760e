import { randomBytesOf, type Randomness } from '../crypto/randomness.ts'
import type { Row } from '../storage/table.ts'
import type { Keyring } from './keyring.ts'
import { wrapTypes, type Identity } from './wrapping.ts'

/** What a secret of the house is for. */
export type SecretPurpose = 'audit-signing' | 'audit-pii' | 'name-index'

/** Which secret it is. */
export interface SecretPlace {
  readonly tenant: string
  readonly purpose: SecretPurpose
  readonly version: number
}

/** Makes a secret of 32 random bytes: its row, wrapped under the current epoch, and what `use` makes of it. */
export function newSecret<T>(
  keyring: Keyring,
  place: SecretPlace,
  how: { readonly random: Randomness; readonly now: number; readonly use: (bytes: Uint8Array) => T },
): { readonly row: Row & { readonly rev: number }; readonly made: T } {
  const id = how.random.uuid()
  const bytes = randomBytesOf(how.random, 32)
  const material = keyring.wrap(secretIdentity({ ...place, id }), bytes)
  const made = how.use(bytes)
  bytes.fill(0)
  return { row: { ...place, id, epoch: keyring.epoch, material, createdAt: how.now, rev: 1 }, made }
}

/** Unwraps a secret of the house. @throws StorageTamperedError */
export function openSecret(keyring: Keyring, row: Row): Buffer {
  const identity = secretIdentity(row as unknown as SecretPlace & { id: string })
  return keyring.unwrap(row['epoch'] as number, identity, row['material'] as Uint8Array)
}

/** Whose secret it is. */
export function secretIdentity({ tenant, purpose, id, version }: SecretPlace & { readonly id: string }): Identity {
  const fixed = { type: wrapTypes.house, exportable: false, origin: 'CHATELAINE', usage: 'HOUSE' }
  return { ...fixed, id, version, spec: purpose, tenant }
}
