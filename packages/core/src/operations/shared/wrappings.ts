import { z } from 'zod'
import { wireForms } from './wire-form.ts'
import { keyWrappings, type KeyWrapping } from '../../crypto/key-wrapping.ts'
import { InvalidKeyUsageError, InvalidRequestError, LimitExceededError } from '../../errors.ts'
import { fromBase64url } from '../../internal/base64url.ts'
import { copyBytes, isBytes, lengthOf } from '../../internal/bytes.ts'
import type { KeyRow } from '../../state/rows.ts'

/**
 * How key material is wrapped under an RSA key, as AWS KMS names it: RSA-OAEP with SHA-256 over the material, or over a
 * fresh AES-256 key that wraps the material of any length (RFC 5649).
 */
export type WrappingAlgorithm = KeyWrapping['name']

/** The RSA key that material is wrapped under. */
export type WrappingKeySpec = (typeof wrappingKeySpecs)[number]

/** The names of {@link WrappingKeySpec}. */
export const wrappingKeySpecs = ['RSA_2048', 'RSA_3072', 'RSA_4096'] as const

/** A wrapping algorithm by its name. */
export const wrappingAlgorithm: z.ZodType<KeyWrapping, WrappingAlgorithm> = z
  .enum(['RSAES_OAEP_SHA_256', 'RSA_AES_KEY_WRAP_SHA_256'])
  .transform((name) => keyWrappings.find((row) => row.name === name) as KeyWrapping)

/** Bytes, or their canonical base64url, of at most this length: refused before they are decoded, and then copied. */
export function bytesUpTo(most: number): z.ZodType<Buffer, Uint8Array | string> {
  return z
    .custom<Uint8Array | string>((value) => isBytes(value) || typeof value === 'string', 'it is neither bytes nor text')
    .transform((value) => {
      const length = typeof value === 'string' ? Math.floor(value.length * (3 / 4)) : lengthOf(value)
      if (length > most) throw new LimitExceededError(`it has at most ${most} bytes`)
      if (typeof value !== 'string') return copyBytes(value)
      const decoded = fromBase64url(value)
      if (decoded === undefined) throw new InvalidRequestError('it is not canonical base64url')
      return decoded
    })
    .meta(wireForms.sealed)
}

/** @throws InvalidKeyUsageError for a key whose material is made here: that is for ever too. */
export function requireExternal({ origin }: KeyRow): void {
  if (origin !== 'EXTERNAL') throw new InvalidKeyUsageError('material is imported into a key of origin EXTERNAL only')
}
