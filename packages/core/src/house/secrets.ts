import { signingKey, type SigningKey } from '../crypto/ed25519.ts'
import type { Randomness } from '../crypto/randomness.ts'
import { secretKey, type SecretKey } from '../crypto/secret-key.ts'
import { StorageTamperedError } from '../errors.ts'
import { newSecret, openSecret, type SecretPurpose } from '../keys/house-secret.ts'
import type { Keyring } from '../keys/keyring.ts'
import type { Row } from '../storage/table.ts'

/** The house's own secrets. They outlive keyring epochs, and are merely wrapped again. */
export interface HouseSecrets {
  /** Sign checkpoints, one after the other: that of genesis first. */
  readonly signing: readonly SigningKey[]
  /** Makes pseudonyms in records. */
  readonly pii: SecretKey
  /** Makes the hashes by which hidden names are found. */
  readonly names: SecretKey
}

const purposes = ['audit-signing', 'audit-pii', 'name-index'] as const

/** Rows of new secrets, 32 random bytes each, wrapped under the current epoch. */
export function newSecretRows(keyring: Keyring, random: Randomness, at: { tenant: string; now: number }): Row[] {
  const { tenant, now } = at
  const how = { random, now, use: () => undefined }
  return purposes.map((purpose) => newSecret(keyring, { tenant, purpose, version: 1 }, how).row)
}

/** Unwraps the secrets: every version of what signs, the newest of the others. @throws StorageTamperedError */
export function openSecrets(keyring: Keyring, rows: readonly Row[]): HouseSecrets {
  const of = (purpose: SecretPurpose): readonly Row[] => rows.filter((row) => row['purpose'] === purpose)
  const newest = (purpose: SecretPurpose): Buffer => {
    const row = of(purpose).at(-1)
    if (row === undefined) throw new StorageTamperedError(`the secret ${purpose} is missing`)
    return openSecret(keyring, row)
  }
  const signing = of('audit-signing')
  if (signing.length === 0 || signing.some((row, i) => row['version'] !== i + 1)) {
    throw new StorageTamperedError('the secret audit-signing is missing')
  }
  return {
    signing: signing.map((row) => signingKey(openSecret(keyring, row))),
    pii: secretKey(newest('audit-pii')),
    names: secretKey(newest('name-index')),
  }
}
