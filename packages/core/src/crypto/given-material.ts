import { createPrivateKey, createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto'
import { InvalidRequestError } from '../errors.ts'
import { fromBase64url } from '../internal/base64url.ts'
import { ownOnly } from '../internal/own.ts'
import { isOneDerSequence } from './der.ts'
import type { GivenMaterial } from './fresh-material.ts'
import { spkiOf } from './key-pair.ts'

/** Longest encoded key that is looked at. The longest of a key that could be taken is under 6 KiB. */
export const maxKeyBytes = 16 * 1024

const pem = /^-----BEGIN (PRIVATE|PUBLIC) KEY-----\r?\n([A-Za-z0-9+/=\r\n]+)-----END \1 KEY-----(?:\r?\n)?$/

/** One object in PEM (RFC 7468), unencrypted, as DER. @throws InvalidRequestError */
export function derOfPem(text: string, label: 'PRIVATE' | 'PUBLIC'): Buffer {
  const [, found, body] = pem.exec(text) ?? []
  if (found !== label || body === undefined) {
    throw new InvalidRequestError(`it is not one unencrypted PEM text labelled ${label} KEY`)
  }
  const base64 = body.replaceAll(/[\r\n]/g, '')
  const der = Buffer.from(base64, 'base64')
  if (der.toString('base64') !== base64) throw new InvalidRequestError('the PEM text is not canonical base64')
  return der
}

/** A private key in PKCS#8 DER. @throws InvalidRequestError */
export function givenPkcs8(der: Buffer): GivenMaterial {
  const key = parsed(der, (input) => createPrivateKey(ownOnly({ key: input, format: 'der', type: 'pkcs8' } as const)))
  return { kind: 'private', key }
}

/**
 * A public key in SubjectPublicKeyInfo DER, in the only form that OpenSSL writes: a curve by its name, nothing left
 * over, nothing in another encoding. @throws InvalidRequestError
 */
export function givenSpki(der: Buffer): GivenMaterial & { readonly kind: 'public' } {
  const key = parsed(der, (input) => createPublicKey(ownOnly({ key: input, format: 'der', type: 'spki' } as const)))
  const spki = spkiOf(key)
  if (!spki.equals(der)) throw new InvalidRequestError('the public key is not in its canonical encoding')
  return { kind: 'public', key, spki }
}

/** A JSON Web Key: `oct` is secret bytes, one with a private member a private key. @throws InvalidRequestError */
export function givenJwk(jwk: Readonly<Record<string, unknown>>): GivenMaterial {
  const key = ownOnly(jwk)
  if (key['kty'] === 'oct') {
    const bytes = typeof key['k'] === 'string' ? fromBase64url(key['k']) : undefined
    if (bytes === undefined) throw new InvalidRequestError('the member k is not canonical base64url')
    return { kind: 'symmetric', bytes }
  }
  const input = ownOnly({ key: key as JsonWebKey, format: 'jwk' } as const)
  if (key['d'] !== undefined || key['priv'] !== undefined) {
    return { kind: 'private', key: orRefuse(() => createPrivateKey(input)) }
  }
  const publicKey = orRefuse(() => createPublicKey(input))
  return { kind: 'public', key: publicKey, spki: spkiOf(publicKey) }
}

function parsed(der: Buffer, parse: (der: Buffer) => KeyObject): KeyObject {
  if (!isOneDerSequence(der)) throw new InvalidRequestError('the key is not one DER value')
  return orRefuse(() => parse(der))
}

/** What OpenSSL says of a key that it cannot read is not passed on: it may quote it. */
function orRefuse<T>(parse: () => T): T {
  try {
    return parse()
  } catch {
    throw new InvalidRequestError('the key cannot be read')
  }
}
