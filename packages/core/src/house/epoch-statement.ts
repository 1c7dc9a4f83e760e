import { signEd25519, verifyEd25519, type SigningKey } from '../crypto/ed25519.ts'
import { equalBytes } from '../crypto/hash.ts'
import { StorageTamperedError } from '../errors.ts'
import { jcs } from '../internal/jcs.ts'
import type { Keyring } from '../keys/keyring.ts'
import type { EpochStatement } from '../keys/keyring-store.ts'
import type { KeyringEpochRow, KeyringRow } from '../state/keyring-rows.ts'

/**
 * Says of a keyring epoch which key it has: signed by the house, because whoever may only wrap with the root key, as
 * many may who are not to open anything, could otherwise make an epoch of their own.
 *
 * ```text
 * signed = "chatelaine/keyring-epoch/v1" 0x00 ‖ JCS({ epoch, fingerprint, tenant })
 * ```
 */
export function stateEpoch(
  signing: SigningKey,
  of: { tenant: string; madeUnder: string },
  key: EpochKey,
): EpochStatement {
  const { epoch, fingerprint } = key
  // Copies: what is handed to an operation is wiped afterwards.
  const signature = signEd25519(signing, statementBytes(of.tenant, key))
  return { epoch, madeUnder: of.madeUnder, fingerprint: Buffer.from(fingerprint), signature }
}

/** An epoch, and what tells its key apart. */
export interface EpochKey {
  readonly epoch: number
  readonly fingerprint: Uint8Array
}

/**
 * Believes a keyring only if each epoch of it is the one that was signed. The first needs no statement: it is as old as
 * the house. @throws StorageTamperedError
 */
export function requireStated(
  keyring: Keyring,
  stored: { readonly keyring: readonly KeyringRow[]; readonly epochs: readonly KeyringEpochRow[] },
  publicKey: Buffer,
): void {
  for (const { tenant, epoch } of stored.keyring) {
    const row = stored.epochs.find((said) => said.epoch === epoch)
    if (row === undefined && epoch === 1) continue
    const { fingerprint } = keyring.epochs.of(epoch)
    const isRight =
      row !== undefined &&
      equalBytes(row.fingerprint, fingerprint) &&
      verifyEd25519(publicKey, statementBytes(tenant, { epoch, fingerprint }), row.signature)
    if (!isRight) throw new StorageTamperedError('a keyring epoch is not the one that was begun')
  }
}

function statementBytes(tenant: string, { epoch, fingerprint }: EpochKey): Buffer {
  const said = jcs({ epoch, fingerprint: Buffer.from(fingerprint).toString('hex'), tenant })
  return Buffer.from(`chatelaine/keyring-epoch/v1\0${said}`, 'utf8')
}
