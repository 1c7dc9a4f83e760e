import { oaepAlgorithms, oaepCapacity, oaepDecrypt, oaepEncrypt, type OaepAlgorithm } from '../../crypto/oaep.ts'
import { invalidCiphertext } from '../../envelope/open.ts'
import { InvalidRequestError, LimitExceededError } from '../../errors.ts'
import type { EncodedContext, PairMaterial } from '../../stages.ts'
import { privateOf } from './opening.ts'

/** A message under a key pair. */
interface ByPair {
  readonly algorithm?: string | undefined
  readonly context?: EncodedContext | undefined
  readonly envelope?: string | undefined
}

/** Encrypts under the public half. @throws LimitExceededError for what does not fit. */
export function encryptByPair(
  { keyId, keyVersion, pair }: PairMaterial,
  request: ByPair & { readonly plaintext: Buffer },
): { ciphertext: Buffer; keyId: string; keyVersion: number } {
  const algorithm = algorithmOf(request)
  const capacity = oaepCapacity(pair.publicKey, algorithm)
  if (request.plaintext.length > capacity) throw new LimitExceededError(`this key encrypts at most ${capacity} bytes`)
  return { ciphertext: oaepEncrypt(pair.publicKey, request.plaintext, algorithm), keyId, keyVersion }
}

/** The inverse of {@link encryptByPair}. @throws InvalidCiphertextError */
export async function decryptByPair(
  material: PairMaterial,
  request: ByPair & { readonly ciphertext: Buffer },
): Promise<Buffer> {
  const algorithm = algorithmOf(request)
  const opened = await oaepDecrypt(privateOf(material), request.ciphertext, algorithm)
  if (opened === undefined) throw invalidCiphertext('it does not open with this key pair and algorithm')
  return opened
}

function algorithmOf({ algorithm: name, context, envelope }: ByPair): OaepAlgorithm {
  if ((context?.pairs.length ?? 0) > 0) throw new InvalidRequestError('a key pair binds no encryption context')
  if (envelope !== undefined) throw new InvalidRequestError('a key pair has no choice of envelopes')
  return oaepAlgorithms.find((row) => row.name === name) ?? (oaepAlgorithms[0] as OaepAlgorithm)
}
