import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { ed25519 } from '@noble/curves/ed25519.js'
import { InvalidRequestError, UnsupportedOnThisRuntimeError } from '../errors.ts'
import { allocate, copyBytes, wipe } from '../internal/bytes.ts'
import { ownOnly } from '../internal/own.ts'
import type { FreshMaterial, GivenMaterial, MaterialSource } from './fresh-material.ts'
import { openPrivate, pkcs8Of, spkiOf } from './key-pair.ts'
import { randomBytesOf } from './randomness.ts'
import { requireRandom } from './symmetric-material.ts'

/** A kind of key whose private half is a seed, in a PKCS#8 of fixed shape. */
interface SeededKind {
  /** What OpenSSL calls it. */
  readonly type: string
  /** Everything of the PKCS#8 before the seed, which ends it. */
  readonly prefix: Buffer
  readonly seedBytes: number
  /** Whether the runtime may lack it. */
  readonly isNew: boolean
  /** What is wrong with a public key, where its shape does not say it all. */
  readonly weakness?: (publicKey: KeyObject) => string | undefined
}

function seeded(type: string, seedBytes: number, prefix: string): SeededKind {
  return { type, seedBytes, prefix: Buffer.from(prefix, 'hex'), isNew: type.startsWith('ml-') }
}

/** Kinds by key spec. RFC 8410 section 7, and the seed forms of RFC 9881 (ML-DSA) and RFC 9935 (ML-KEM) section 6. */
export const seededKinds = Object.freeze({
  ed25519: {
    ...seeded('ed25519', 32, '302e020100300506032b657004220420'),
    weakness: (key: KeyObject): string | undefined => weaknessOfEd25519(spkiOf(key).subarray(-32)),
  },
  x25519: seeded('x25519', 32, '302e020100300506032b656e04220420'),
  mlDsa44: seeded('ml-dsa-44', 32, '3034020100300b060960864801650304031104228020'),
  mlDsa65: seeded('ml-dsa-65', 32, '3034020100300b060960864801650304031204228020'),
  mlDsa87: seeded('ml-dsa-87', 32, '3034020100300b060960864801650304031304228020'),
  mlKem512: seeded('ml-kem-512', 64, '3054020100300b060960864801650304040104428040'),
  mlKem768: seeded('ml-kem-768', 64, '3054020100300b060960864801650304040204428040'),
  mlKem1024: seeded('ml-kem-1024', 64, '3054020100300b060960864801650304040304428040'),
}) satisfies Readonly<Record<string, SeededKind>>

/** Keys that are made of a seed. The seed is all that is kept: every runtime reads it, and it is the shortest. */
export function seededMaterial(kind: SeededKind): MaterialSource {
  const of = ownOnly(kind)
  return {
    generate: async (random) => {
      requireSupport(of)
      return fromSeed(of, randomBytesOf(random, of.seedBytes))
    },
    adopt: async (given) => {
      requireSupport(of)
      if (given.kind !== 'symmetric' && given.key.asymmetricKeyType !== of.type) throw wrongKind(of)
      return adopt(of, given)
    },
  }
}

function adopt(of: SeededKind, given: GivenMaterial): FreshMaterial {
  if (given.kind === 'public') {
    const weakness = of.weakness?.(given.key)
    if (weakness !== undefined) throw new InvalidRequestError(weakness)
    return { kind: 'public', bytes: Buffer.from(given.spki), publicKey: Buffer.from(given.spki) }
  }
  if (given.kind === 'private') {
    const seed = seedOf(of, given.key)
    try {
      requireRandom(seed)
      return fromSeed(of, seed)
    } finally {
      wipe(seed)
    }
  }
  if (given.bytes.length !== of.seedBytes) {
    throw new InvalidRequestError(`the raw private key of this spec is a seed of ${of.seedBytes} bytes`)
  }
  requireRandom(given.bytes)
  return fromSeed(of, copyBytes(given.bytes))
}

function fromSeed(of: SeededKind, seed: Buffer): FreshMaterial {
  const bytes = allocate(of.prefix.length + seed.length)
  bytes.set(of.prefix)
  bytes.set(seed, of.prefix.length)
  wipe(seed)
  return { kind: 'private', bytes, publicKey: spkiOf(openPrivate(bytes).publicKey) }
}

/** The seed of a key that OpenSSL has parsed. That of a newer kind may have come without one: then it is refused. */
function seedOf(of: SeededKind, key: KeyObject): Buffer {
  if (!of.isNew) {
    const pkcs8 = pkcs8Of(key)
    const seed = copyBytes(pkcs8.subarray(of.prefix.length))
    wipe(pkcs8)
    return seed
  }
  const seed = rawSeed(key)
  // OpenSSL takes the expanded key of a PKCS#8 that carries both on trust.
  const again = fromSeed(of, copyBytes(seed))
  wipe(again.bytes)
  if (!(again.publicKey as Buffer).equals(spkiOf(createPublicKey(key)))) {
    wipe(seed)
    throw new InvalidRequestError('the seed and the expanded form of the private key are of different keys')
  }
  return seed
}

function rawSeed(key: KeyObject): Buffer {
  try {
    return (key.export as (options: { format: string }) => Buffer)(ownOnly({ format: 'raw-seed' }))
  } catch {
    throw new InvalidRequestError('this key spec takes a private key with its seed')
  }
}

function wrongKind(of: SeededKind): InvalidRequestError {
  return new InvalidRequestError(`it is not a key of the kind ${of.type}`)
}

/** RFC 8032 section 5.1.3 lets some encodings be read in several ways; points of small order sign anything. */
function weaknessOfEd25519(point: Buffer): string | undefined {
  try {
    return ed25519.Point.fromBytes(point).isSmallOrder() ? 'the public key has a small order' : undefined
  } catch {
    return 'the public key is no canonical point of the curve'
  }
}

const supported = new Map<string, boolean>()

/** @throws UnsupportedOnThisRuntimeError where OpenSSL or Node cannot do it. */
function requireSupport({ type, isNew }: SeededKind): void {
  if (!isNew) return
  if (!supported.has(type)) supported.set(type, canGenerate(type))
  if (supported.get(type) !== true) {
    throw new UnsupportedOnThisRuntimeError(`${type} needs Node 24 or later with OpenSSL 3.5`)
  }
}

function canGenerate(type: string): boolean {
  try {
    ;(generateKeyPairSync as unknown as (type: string) => unknown)(type)
    return true
  } catch {
    return false
  }
}
