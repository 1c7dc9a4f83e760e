import { createPrivateKey, createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto'
import { InvalidRequestError } from '../errors.ts'
import { allocate, wipe } from '../internal/bytes.ts'
import { ownOnly } from '../internal/own.ts'
import { derTags, DerReader, isOneDerSequence } from './der.ts'
import type { GivenMaterial } from './fresh-material.ts'
import { jwkOf, pkcs8Of, spkiOf } from './key-pair.ts'

/** Longest encoded key that is looked at. The longest of a key that could be taken is under 6 KiB. */
export const maxKeyBytes = 16 * 1024

/** A private key in PKCS#8 DER, which is wiped. @throws InvalidRequestError */
export function givenPkcs8(der: Buffer): GivenMaterial {
  try {
    const key = parsed(der, (input) => createPrivateKey(ownOnly({ key: input, format: 'der', type: 'pkcs8' } as const)))
    return { kind: 'private', key: writable(key) }
  } finally {
    wipe(der)
  }
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
    const bytes = typeof key['k'] === 'string' ? secretOf(key['k']) : undefined
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
  const members = jwkOf(publicKey) as Record<string, unknown>
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
  const bytes = secretOf(text)
  if (bytes === undefined) return false
  wipe(bytes)
  return true
}

/** The bytes of canonical base64url, outside the pool, and without a regular expression that would remember the text. */
function secretOf(text: string): Buffer | undefined {
  const room = allocate(Math.ceil((text.length * 3) / 4))
  const bytes = room.subarray(0, room.write(text, 'base64url'))
  if (bytes.toString('base64url') === text) return bytes
  wipe(room)
  return undefined
}

function parsed(der: Buffer, parse: (der: Buffer) => KeyObject): KeyObject {
  if (!isOneDerSequence(der)) throw new InvalidRequestError('the key is not one DER value')
  if (!isOfTakenKind(der)) throw new InvalidRequestError('the key is of no kind that any key spec has')
  return orRefuse(() => parse(der))
}

/** Identifiers of the algorithms of our key specs: RSA, curves, X25519, Ed25519, ML-DSA and ML-KEM. */
const takenKinds: readonly string[] = [
  '2a864886f70d010101',
  '2a8648ce3d0201',
  '2b656e',
  '2b6570',
  ...['11', '12', '13'].map((last) => `6086480165030403${last}`),
  ...['01', '02', '03'].map((last) => `6086480165030404${last}`),
]

/**
 * Looked at before OpenSSL does: of some other kinds it computes the public half, which takes as long as whoever sent
 * the key likes. A PKCS#8 says its version first.
 */
function isOfTakenKind(der: Buffer): boolean {
  try {
    const info = new DerReader(der).sequence()
    if (info.peek() === derTags.integer) info.integer()
    return takenKinds.includes(info.sequence().read(derTags.objectIdentifier).toString('hex'))
  } catch {
    return false
  }
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

/** The public half of key material, in SubjectPublicKeyInfo DER; `null` for secret bytes. */
export function publicHalfOf(given: GivenMaterial): Buffer | null {
  if (given.kind === 'symmetric') return null
  return given.kind === 'public' ? given.spki : spkiOf(createPublicKey(given.key))
}
