import { createPrivateKey, createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto'
import { InvalidRequestError } from '../errors.ts'
import { fromBase64url } from '../internal/base64url.ts'
import { wipe } from '../internal/bytes.ts'
import { ownOnly } from '../internal/own.ts'
import { isOneDerSequence } from './der.ts'
import type { GivenMaterial } from './fresh-material.ts'
import { jwkOfKey, pkcs8Of, spkiOf } from './key-pair.ts'

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
  return { kind: 'private', key: writable(key) }
}

/**
 * A public key in SubjectPublicKeyInfo DER, in the only form that OpenSSL writes: a curve by its name, nothing left
 * over, nothing in another encoding. @throws InvalidRequestError
 */
export function givenSpki(der: Buffer): GivenMaterial & { readonly kind: 'public' } {
  const key = parsed(der, (input) => createPublicKey(ownOnly({ key: input, format: 'der', type: 'spki' } as const)))
  const spki = orRefuse(() => spkiOf(key))
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
    const privateKey = writable(orRefuse(() => createPrivateKey(input)))
    requireSame(key, createPublicKey(privateKey))
    return { kind: 'private', key: privateKey }
  }
  const publicKey = orRefuse(() => createPublicKey(input))
  const spki = orRefuse(() => spkiOf(publicKey))
  requireSame(key, publicKey)
  return { kind: 'public', key: publicKey, spki }
}

/** OpenSSL passes over the public members of some private keys, and Node reads base64url that is not canonical. */
function requireSame(given: Readonly<Record<string, unknown>>, publicKey: KeyObject): void {
  const members = jwkOfKey(publicKey) as Record<string, unknown>
  if (Object.keys(members).some((name) => given[name] !== members[name])) {
    throw new InvalidRequestError('the public members are of another key, or not in their canonical encoding')
  }
  const secrets = privateMembers.map((name) => given[name]).filter((value) => value !== undefined)
  if (secrets.some((value) => typeof value !== 'string' || !isCanonical(value))) {
    throw new InvalidRequestError('a private member is not canonical base64url')
  }
}

const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'priv']

function isCanonical(text: string): boolean {
  const bytes = fromBase64url(text)
  if (bytes === undefined) return false
  wipe(bytes)
  return true
}

function parsed(der: Buffer, parse: (der: Buffer) => KeyObject): KeyObject {
  if (!isOneDerSequence(der)) throw new InvalidRequestError('the key is not one DER value')
  return orRefuse(() => parse(der))
}

/** A private key that OpenSSL can write again: it reads some that it cannot, with a public half at infinity for one. */
function writable(key: KeyObject): KeyObject {
  return orRefuse(() => {
    wipe(pkcs8Of(key))
    spkiOf(createPublicKey(key))
    return key
  })
}

/** What OpenSSL says of a key that it cannot read is not passed on: it may quote it. */
function orRefuse<T>(parse: () => T): T {
  try {
    return parse()
  } catch {
    throw new InvalidRequestError('the key cannot be read')
  }
}
