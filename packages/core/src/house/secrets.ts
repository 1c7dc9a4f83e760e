import { signingKey, type SigningKey } from '../crypto/ed25519.ts'
import { randomBytesOf, type Randomness } from '../crypto/randomness.ts'
import { secretKey, type SecretKey } from '../crypto/secret-key.ts'
import { StorageTamperedError } from '../errors.ts'
import type { Keyring } from '../keys/keyring.ts'
import { wrapTypes, type Identity } from '../keys/wrapping.ts'
import type { Row } from '../storage/table.ts'

/** The house's own secrets. They outlive keyring epochs, and are merely wrapped again. */
export interface HouseSecrets {
  /** Signs checkpoints. */
  readonly signing: SigningKey
  /** Makes pseudonyms in records. */
  readonly pii: SecretKey
  /** Makes the hashes by which hidden names are found. */
  readonly names: SecretKey
}

const purposes = ['audit-signing', 'audit-pii', 'name-index'] as const
type Purpose = (typeof purposes)[number]

/** Rows of new secrets, 32 random bytes each, wrapped under the current epoch. */
export function newSecretRows(keyring: Keyring, random: Randomness, at: { tenant: string; now: number }): Row[] {
  return purposes.map((purpose) => {
    const id = random.uuid()
    const bytes = randomBytesOf(random, 32)
    const material = keyring.wrap(identityOf({ tenant: at.tenant, purpose, id, version: 1 }), bytes)
    bytes.fill(0)
    const { epoch } = keyring
    return { tenant: at.tenant, purpose, version: 1, id, epoch, material, createdAt: at.now, rev: 1 }
  })
}

/** Unwraps the newest secret of each purpose. @throws StorageTamperedError */
export function openSecrets(keyring: Keyring, rows: readonly Row[]): HouseSecrets {
  const bytesOf = (purpose: Purpose): Buffer => {
    const row = rows.findLast((candidate) => candidate['purpose'] === purpose)
    if (row === undefined) throw new StorageTamperedError(`the secret ${purpose} is missing`)
    const { tenant, id, version } = row as { tenant: string; id: string; version: number } & Row
    const identity = identityOf({ tenant, purpose, id, version })
    return keyring.unwrap(row['epoch'] as number, identity, row['material'] as Uint8Array)
  }
  return {
    signing: signingKey(bytesOf('audit-signing')),
    pii: secretKey(bytesOf('audit-pii')),
    names: secretKey(bytesOf('name-index')),
  }
}

function identityOf(secret: { tenant: string; purpose: Purpose; id: string; version: number }): Identity {
  const { tenant, purpose, id, version } = secret
  const fixed = { type: wrapTypes.house, exportable: false, origin: 'CHATELAINE', usage: 'HOUSE' }
  return { ...fixed, id, version, spec: purpose, tenant }
}
