import { openPrivate, openPublic, spkiOf, type KeyPair } from '../crypto/key-pair.ts'
import { StorageTamperedError, UnsupportedOnThisRuntimeError } from '../errors.ts'
import { wipe } from '../internal/bytes.ts'
import type { VersionRow } from '../state/rows.ts'

/** Opens a key pair, whose bytes are wiped. What was wrapped was a key once: if it is none here, this runtime is older. */
export function openPair(kind: 'private' | 'public', bytes: Buffer, { publicKey }: VersionRow): KeyPair {
  const pair = parsePair(kind, bytes)
  // Nobody computes with the one in the row, but others read it.
  if (publicKey === null || !spkiOf(pair.publicKey).equals(publicKey)) {
    throw new StorageTamperedError('the stored public key is not that of the key')
  }
  return pair
}

function parsePair(kind: 'private' | 'public', bytes: Buffer): KeyPair {
  try {
    return kind === 'private' ? openPrivate(bytes) : openPublic(bytes)
  } catch {
    throw new UnsupportedOnThisRuntimeError('keys of this spec need a newer Node.js or OpenSSL')
  } finally {
    wipe(bytes)
  }
}
