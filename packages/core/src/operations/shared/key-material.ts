import { z } from 'zod'
import type { GivenMaterial } from '../../crypto/fresh-material.ts'
import type { JsonWebKey } from '../../crypto/key-pair.ts'
import { derOfPem, givenJwk, givenPkcs8, givenSpki, maxKeyBytes } from '../../crypto/given-material.ts'
import { InvalidRequestError } from '../../errors.ts'
import { copyBytes, isBytes, lengthOf } from '../../internal/bytes.ts'
import { ownOnly } from '../../internal/own.ts'

/**
 * Key material from elsewhere. Chatelaine looks hard at it: whole keys in their canonical encoding, of exactly the size,
 * curve and kind of the spec, their parts belonging together. It cannot see who else has a copy.
 */
export type KeyMaterial =
  | {
      /** Secret bytes: of an AES or HMAC key, or the seed of an Ed25519, X25519, ML-DSA or ML-KEM key. */
      readonly format: 'raw'
      /** The bytes. They are copied; wiping yours is up to you. */
      readonly bytes: Uint8Array
    }
  | {
      /** A private key in PKCS#8, unencrypted: in DER, or one PEM text. */
      readonly format: 'pkcs8'
      /** The key. */
      readonly bytes: Uint8Array | string
    }
  | {
      /** A public key alone, as SubjectPublicKeyInfo in DER or one PEM text: to verify, encrypt or encapsulate with. */
      readonly format: 'spki'
      /** The key. */
      readonly bytes: Uint8Array | string
    }
  | {
      /** A JSON Web Key: secret, private or public. */
      readonly format: 'jwk'
      /** The key. */
      readonly jwk: JsonWebKey
    }

/** A peer's public key: SubjectPublicKeyInfo in DER or PEM, or a JSON Web Key. */
export type PublicKeyInput = Uint8Array | string | JsonWebKey

const encoded = z
  .custom<Uint8Array | string>((value) => isBytes(value) || typeof value === 'string', 'it is neither bytes nor text')
  .transform((value) => {
    const length = typeof value === 'string' ? value.length : lengthOf(value)
    if (length > maxKeyBytes) throw new InvalidRequestError(`an encoded key has at most ${maxKeyBytes} bytes`)
    return typeof value === 'string' ? value : copyBytes(value)
  })
const rawBytes = encoded.refine((value) => typeof value !== 'string', 'it is not a Uint8Array')
const jwk = z.custom<JsonWebKey>((value) => isPlain(value) && isShort(value as object), 'it is not a JSON Web Key')

/** Key material: copied, decoded and parsed at once, not yet checked against a spec. */
export const keyMaterial: z.ZodType<GivenMaterial, KeyMaterial> = z
  .custom<KeyMaterial>(isPlain, 'it is not an object')
  .transform(ownOnly)
  .pipe(
    z.discriminatedUnion('format', [
      z.strictObject({ format: z.literal('raw'), bytes: rawBytes }),
      z.strictObject({ format: z.literal('pkcs8'), bytes: encoded }),
      z.strictObject({ format: z.literal('spki'), bytes: encoded }),
      z.strictObject({ format: z.literal('jwk'), jwk }),
    ]) as unknown as z.ZodType<KeyMaterial, KeyMaterial>,
  )
  .transform((material): GivenMaterial => {
    if (material.format === 'jwk') return givenJwk(material.jwk as Record<string, unknown>)
    if (material.format === 'raw') return { kind: 'symmetric', bytes: material.bytes as Buffer }
    if (material.format === 'pkcs8') return givenPkcs8(derOf(material.bytes, 'PRIVATE'))
    return givenSpki(derOf(material.bytes, 'PUBLIC'))
  }) as unknown as z.ZodType<GivenMaterial, KeyMaterial>

/** A public key: copied, decoded and parsed at once, not yet checked against a spec. */
export const publicKey: z.ZodType<GivenMaterial & { kind: 'public' }, PublicKeyInput> = z
  .union([encoded, jwk])
  .transform((value) => {
    if (typeof value === 'string' || value instanceof Uint8Array) return givenSpki(derOf(value, 'PUBLIC'))
    const given = givenJwk(value as Record<string, unknown>)
    if (given.kind !== 'public') throw new InvalidRequestError('it is not a public key')
    return given
  }) as unknown as z.ZodType<GivenMaterial & { kind: 'public' }, PublicKeyInput>

function derOf(bytes: Uint8Array | string, label: 'PRIVATE' | 'PUBLIC'): Buffer {
  return typeof bytes === 'string' ? derOfPem(bytes, label) : (bytes as Buffer)
}

function isPlain(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)
}

function isShort(value: object): boolean {
  let length = 0
  for (const member of Object.values(value)) length += typeof member === 'string' ? member.length : 0
  return length <= maxKeyBytes
}
