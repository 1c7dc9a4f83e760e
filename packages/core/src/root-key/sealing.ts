import { openSmall, saltBytes, sealSmall } from '../crypto/chunked-encryption.ts'
import { randomBytesOf, systemRandomness } from '../crypto/randomness.ts'
import type { SecretKey } from '../crypto/secret-key.ts'
import { RootKeyMismatchError } from '../errors.ts'
import { jcs } from '../internal/jcs.ts'
import type { RootKeyContext } from './root-key.ts'

/** Wraps by chunked encryption: `salt ‖ commitment ‖ chunks`, context = `head ‖ label ‖ JCS(context)`. */
export function sealUnder(secret: SecretKey, bytes: Uint8Array, context: Bound): Buffer {
  const salt = randomBytesOf(systemRandomness, saltBytes)
  return sealSmall(secret, contextBytes(context), { salt, plaintext: bytes })
}

/** The inverse of {@link sealUnder}. @throws RootKeyMismatchError */
export function openUnder(secret: SecretKey, wrapped: Uint8Array, context: Bound): Buffer {
  const opened = openSmall(secret, contextBytes(context), wrapped)
  if (opened === undefined) throw new RootKeyMismatchError('the root key does not open the keyring of this storage')
  return opened
}

/** What a wrapped key is bound to: its context, and what the wrapping says of itself. */
export interface Bound extends RootKeyContext {
  readonly head?: Uint8Array | undefined
}

function contextBytes({ head, tenant, epoch, purpose }: Bound): Buffer {
  const context = Buffer.from(`chatelaine/root-key/v1\0${jcs({ epoch, purpose, tenant })}`, 'utf8')
  return head === undefined ? context : Buffer.concat([head, context])
}
