import { z } from 'zod'
import type { GivenMaterial } from '../../crypto/fresh-material.ts'
import type { JsonWebKey } from '../../crypto/key-pair.ts'
import { givenJwk, givenPkcs8, givenSpki, maxKeyBytes } from '../../crypto/given-material.ts'
import { derOfPem } from '../../crypto/pem.ts'
import { InvalidRequestError } from '../../errors.ts'
import { copyBytes, isBytes, lengthOf } from '../../internal/bytes.ts'
import { ownOnly, readOwn } from '../../internal/own.ts'
import { wireForms } from './wire-form.ts'

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

/** Key material as it was handed in: decoded only when everything else about the request is right. */
export const keyMaterial: z.ZodType<KeyMaterial, KeyMaterial> = z
  .custom<KeyMaterial>(isPlain, 'it is not an object')
  .meta(wireForms.material)

/** A peer's public key as it was handed in. */
export const publicKey: z.ZodType<GivenMaterial & { kind: 'public' }, PublicKeyInput> = z
  .custom<PublicKeyInput>((value) => isEncoded(value) || isPlain(value), 'it is neither bytes, text nor an object')
  .transform((value) => {
    if (typeof value === 'string' || value instanceof Uint8Array) return givenSpki(derOf(value, 'PUBLIC'))
    const given = decodeJwk(value)
    if (given.kind !== 'public') throw new InvalidRequestError('it is not a public key')
    return given
  })
  .meta(wireForms.publicKey)

type Decode = (given: unknown) => GivenMaterial

/** How each format is decoded, and where in the material it is. */
const formats: Readonly<Record<string, readonly ['bytes' | 'jwk', Decode]>> = Object.freeze({
  raw: ['bytes', (bytes) => ({ kind: 'symmetric', bytes: short(expected(bytes, isBytes)) as Buffer })],
  pkcs8: ['bytes', (bytes) => givenPkcs8(derOf(expected(bytes, isEncoded), 'PRIVATE'))],
  spki: ['bytes', (bytes) => givenSpki(derOf(expected(bytes, isEncoded), 'PUBLIC'))],
  jwk: ['jwk', (jwk) => decodeJwk(expected(jwk, isPlain))],
})

/** Copies, decodes and parses key material; whether a spec takes it is another question. @throws InvalidRequestError */
export function decodeMaterial(material: KeyMaterial): GivenMaterial {
  const { format, ...members } = readOwn(material) as { format: string } & Readonly<Record<string, unknown>>
  const [member, decode] = Object.hasOwn(formats, format) ? (formats[format] ?? []) : []
  const [name, ...others] = Object.keys(members)
  if (member === undefined || decode === undefined || name !== member || others.length > 0) throw notMaterial()
  return decode(members[name])
}

function expected<T>(value: unknown, is: (value: unknown) => value is T): T {
  if (!is(value)) throw notMaterial()
  return value
}

/** A request with its key material decoded, if it has any. */
export function withMaterial<R extends { readonly material?: KeyMaterial | undefined }>(
  request: R,
): Omit<R, 'material'> & { readonly material?: GivenMaterial | undefined } {
  const { material, ...others } = ownOnly(request)
  return material === undefined ? others : { ...others, material: decodeMaterial(material) }
}

function notMaterial(): InvalidRequestError {
  return new InvalidRequestError('the key material is not of its format')
}

function decodeJwk(jwk: object): GivenMaterial {
  // Read once: a getter could answer otherwise the second time.
  const own = readOwn(jwk) as Record<string, unknown>
  let length = 0
  for (const member of Object.values(own)) length += typeof member === 'string' ? member.length : 0
  if (length > maxKeyBytes) throw tooLong()
  return givenJwk(own)
}

function derOf(bytes: Uint8Array | string, label: 'PRIVATE' | 'PUBLIC'): Buffer {
  const copy = short(bytes)
  return typeof copy === 'string' ? derOfPem(copy, label) : copy
}

function short(encoded: Uint8Array | string): Buffer | string {
  if ((typeof encoded === 'string' ? encoded.length : lengthOf(encoded)) > maxKeyBytes) throw tooLong()
  return typeof encoded === 'string' ? encoded : copyBytes(encoded)
}

function tooLong(): InvalidRequestError {
  return new InvalidRequestError(`an encoded key has at most ${maxKeyBytes} bytes`)
}

function isEncoded(value: unknown): value is Uint8Array | string {
  return isBytes(value) || typeof value === 'string'
}

function isPlain(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)
}
