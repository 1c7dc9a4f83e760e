import { InvalidRequestError } from '../errors.ts'
import { keyReference, name as nameSchema } from '../operations/shared/fields.ts'
import type { KeyUsage } from '../state/rows.ts'
import { AgreementKey } from './agreement-key.ts'
import { EncapsulationKey } from './encapsulation-key.ts'
import { EncryptionKey } from './encryption-key.ts'
import type { KeyIdentity } from './handle.ts'
import { MacKey } from './mac-key.ts'
import type { Run } from './run.ts'
import { SigningKey } from './signing-key.ts'

/** The handle of a key of each usage. */
export interface HandlesByUsage {
  /** Encrypts and decrypts. */
  readonly ENCRYPT_DECRYPT: EncryptionKey
  /** Signs and verifies. */
  readonly SIGN_VERIFY: SigningKey
  /** Makes and verifies MACs. */
  readonly GENERATE_VERIFY_MAC: MacKey
  /** Agrees on secrets. */
  readonly KEY_AGREEMENT: AgreementKey
  /** Encapsulates and decapsulates secrets. */
  readonly ENCAPSULATE_DECAPSULATE: EncapsulationKey
}

/** The handle of a key of this usage: with the verbs of it, and no others. */
export type HandleOf<U extends KeyUsage> = HandlesByUsage[U]

const handles = Object.freeze({
  ENCRYPT_DECRYPT: EncryptionKey,
  SIGN_VERIFY: SigningKey,
  GENERATE_VERIFY_MAC: MacKey,
  KEY_AGREEMENT: AgreementKey,
  ENCAPSULATE_DECAPSULATE: EncapsulationKey,
}) satisfies Readonly<Record<KeyUsage, new (run: Run, identity: KeyIdentity) => HandleOf<KeyUsage>>>

/** A handle to a key that is known. */
export function handleTo(run: Run, identity: KeyIdentity): HandleOf<KeyUsage> {
  return new handles[identity.usage](run, identity)
}

/** A handle by what the caller calls the key: no I/O, nothing is checked but the shape. @throws InvalidRequestError */
export function handleOf(run: Run, reference: string, usage: KeyUsage): HandleOf<KeyUsage> {
  if (!keyReference.safeParse(reference).success) throw new InvalidRequestError('a key is named by its id or name')
  if (!Object.hasOwn(handles, usage)) throw new InvalidRequestError('there is no such key usage')
  const isName = nameSchema.safeParse(reference).success
  return handleTo(run, { reference, usage, ...(isName ? { name: reference } : { id: reference }) })
}
