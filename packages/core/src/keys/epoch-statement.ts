import { signEd25519, verifyEd25519, type SigningKey } from '../crypto/ed25519.ts'
import { equalBytes } from '../crypto/hash.ts'
import { StorageTamperedError } from '../errors.ts'
import { jcs } from '../internal/jcs.ts'
import type { Keyring } from './keyring.ts'
import type { KeyringEpochRow, KeyringRow } from '../state/keyring-rows.ts'

/** What is said of an epoch: signed, so that nobody else makes one. */
export type EpochStatement = Pick<KeyringEpochRow, 'epoch' | 'madeUnder' | 'fingerprint' | 'signature'>

/** Length of a signature. */
export const signatureBytes = 64

/**
 * Says of a keyring epoch which key it has: signed by the house, because whoever may only wrap with the root key, as
 * many may who are not to open anything, could otherwise make an epoch of their own. It is signed by every key that the
 * log has had, the first in front: so that one of them which leaked, for which reason there is a newer, is not enough.
 *
 * ```text
 * signed    = "chatelaine/keyring-epoch/v1" 0x00 ‖ JCS({ epoch, fingerprint, tenant })
 * signature = Ed25519(key 1, signed) 64 ‖ Ed25519(key 2, signed) 64 ‖ …
 * ```
 */
export function stateEpoch(
  signing: readonly SigningKey[],
  of: { tenant: string; madeUnder: string },
  key: EpochKey,
): EpochStatement {
  const { epoch, fingerprint } = key
  const bytes = statementBytes(of.tenant, key)
  // Copies: what is handed to an operation is wiped afterwards.
  const signature = Buffer.concat(signing.map((by) => signEd25519(by, bytes)))
  return { epoch, madeUnder: of.madeUnder, fingerprint: Buffer.from(fingerprint), signature }
}

/** What a statement is signed with after the log was given another key. */
export function signedFurther({ tenant, epoch, fingerprint, signature }: KeyringEpochRow, by: SigningKey): Buffer {
  return Buffer.concat([signature, signEd25519(by, statementBytes(tenant, { epoch, fingerprint }))])
}

/** An epoch, and what tells its key apart. */
export interface EpochKey {
  readonly epoch: number
  readonly fingerprint: Uint8Array
}

/**
 * Believes a keyring only if each epoch of it is the one that was signed, by each of the log's keys that are known. The
 * first needs no statement: it is as old as the house. @throws StorageTamperedError
 */
export function requireStated(
  keyring: Keyring,
  stored: { readonly keyring: readonly KeyringRow[]; readonly epochs: readonly KeyringEpochRow[] },
  publicKeys: readonly Buffer[],
): void {
  for (const { tenant, epoch } of stored.keyring) {
    const row = stored.epochs.find((said) => said.epoch === epoch)
    if (row === undefined && epoch === 1) continue
    const { fingerprint } = keyring.epochs.of(epoch)
    const isSigned = (by: Buffer, at: number): boolean => {
      const signature = row?.signature.subarray(at * signatureBytes, (at + 1) * signatureBytes) ?? Buffer.alloc(0)
      return verifyEd25519(by, statementBytes(tenant, { epoch, fingerprint }), signature)
    }
    const isRight = row !== undefined && equalBytes(row.fingerprint, fingerprint) && publicKeys.every(isSigned)
    if (!isRight) throw new StorageTamperedError('a keyring epoch is not the one that was begun')
  }
}

function statementBytes(tenant: string, { epoch, fingerprint }: EpochKey): Buffer {
  const said = jcs({ epoch, fingerprint: Buffer.from(fingerprint).toString('hex'), tenant })
  return Buffer.from(`chatelaine/keyring-epoch/v1\0${said}`, 'utf8')
}
