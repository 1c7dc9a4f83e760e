import { checkPrime, createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto'
import { InvalidRequestError } from '../errors.ts'
import { wipe } from '../internal/bytes.ts'
import { ownOnly } from '../internal/own.ts'
import { DerReader } from './der.ts'
import type { FreshMaterial, GivenMaterial, MaterialSource } from './fresh-material.ts'
import { pkcs8Of, spkiOf } from './key-pair.ts'

const leastExponent = 65_537n
const exponentLimit = 1n << 64n

/** The numbers of an RSA private key, in the order of RFC 8017 appendix A.1.2. */
interface RsaNumbers {
  readonly n: bigint
  readonly e: bigint
  readonly d: bigint
  readonly p: bigint
  readonly q: bigint
  readonly dp: bigint
  readonly dq: bigint
  readonly qInverse: bigint
}

/** RSA keys with a modulus of exactly this many bits (RFC 8017, FIPS 186-5 appendix A). */
export function rsaMaterial(bits: number): MaterialSource {
  return {
    isSlow: true,
    generate: async () => generate(bits),
    adopt: async (given) => adopt(given, bits),
  }
}

async function generate(modulusLength: number): Promise<FreshMaterial> {
  return new Promise((resolve, reject) => {
    generateKeyPair('rsa', ownOnly({ modulusLength, publicExponent: 65_537 }), (error, publicKey, privateKey) => {
      if (error === null) resolve({ kind: 'private', bytes: pkcs8Of(privateKey), publicKey: spkiOf(publicKey) })
      else reject(error)
    })
  })
}

async function adopt(given: GivenMaterial, bits: number): Promise<FreshMaterial> {
  if (given.kind === 'symmetric' || given.key.asymmetricKeyType !== 'rsa') {
    throw new InvalidRequestError('this key spec takes an RSA key')
  }
  const { key } = given
  if (given.kind === 'public') {
    const [n, e] = publicNumbers(key)
    refuse(weaknessOfPublic({ n, e }, bits))
    return { kind: 'public', bytes: given.spki, publicKey: Buffer.from(given.spki) }
  }
  refuse(await weaknessOfPrivate(privateNumbers(key), bits))
  return { kind: 'private', bytes: pkcs8Of(key), publicKey: spkiOf(createPublicKey(key)) }
}

function refuse(weakness: string | undefined): void {
  if (weakness !== undefined) throw new InvalidRequestError(`the RSA key is refused: ${weakness}`)
}

function weaknessOfPublic({ n, e }: Pick<RsaNumbers, 'n' | 'e'>, bits: number): string | undefined {
  if (bitLength(n) !== bits) return `its modulus has ${bitLength(n)} bits instead of ${bits}`
  if (n % 2n === 0n) return 'its modulus is even'
  if (e % 2n === 0n || e < leastExponent || e >= exponentLimit) return 'its public exponent is even, small or huge'
  return undefined
}

/** SP 800-56B section 6.4.1.2.1, all of it, since OpenSSL takes the numbers of a private key on trust. */
async function weaknessOfPrivate(numbers: RsaNumbers, bits: number): Promise<string | undefined> {
  const weakness = weaknessOfPublic(numbers, bits) ?? weaknessOfPrimes(numbers, bits)
  if (weakness !== undefined) return weakness
  if (!isConsistent(numbers)) return 'its numbers do not belong together'
  if (bitLength(numbers.d) <= bits / 2) return 'its private exponent is too small'
  return (await isPrime(numbers.p)) && (await isPrime(numbers.q)) ? undefined : 'one of its primes is none'
}

function weaknessOfPrimes({ n, p, q }: RsaNumbers, bits: number): string | undefined {
  if (p * q !== n) return 'its modulus is not the product of its primes'
  if (bitLength(p) !== bits / 2 || bitLength(q) !== bits / 2) return 'its primes are of different lengths'
  const distance = p > q ? p - q : q - p
  if (bitLength(distance) <= bits / 2 - 100) return 'its primes are too close to each other'
  return undefined
}

function isConsistent({ e, d, p, q, dp, dq, qInverse }: RsaNumbers): boolean {
  const [p1, q1] = [p - 1n, q - 1n]
  if ((e * d) % p1 !== 1n || (e * d) % q1 !== 1n || d >= p1 * q1) return false
  return dp === d % p1 && dq === d % q1 && (qInverse * q) % p === 1n && qInverse < p
}

async function isPrime(candidate: bigint): Promise<boolean> {
  return new Promise((resolve, reject) => {
    // Unlike its neighbours it says `undefined` where there is no error.
    checkPrime(candidate, ownOnly({ checks: 0 }), (error, prime) =>
      error instanceof Error ? reject(error) : resolve(prime),
    )
  })
}

function privateNumbers(key: KeyObject): RsaNumbers {
  const der = key.export(ownOnly({ format: 'der', type: 'pkcs1' } as const))
  try {
    const reader = new DerReader(der).sequence()
    if (reader.integer() !== 0n) throw new InvalidRequestError('RSA keys of more than two primes are not taken')
    const [n, e, d, p, q, dp, dq, qInverse] = Array.from({ length: 8 }, () => reader.integer()) as unknown as Eight
    return { n, e, d, p, q, dp, dq, qInverse }
  } finally {
    wipe(der)
  }
}

type Eight = readonly [bigint, bigint, bigint, bigint, bigint, bigint, bigint, bigint]

function publicNumbers(key: KeyObject): [bigint, bigint] {
  const reader = new DerReader(key.export(ownOnly({ format: 'der', type: 'pkcs1' } as const))).sequence()
  return [reader.integer(), reader.integer()]
}

function bitLength(value: bigint): number {
  let bits = 0
  let rest = value
  for (const step of [4096n, 256n, 16n, 1n]) {
    while (rest >> step > 0n) {
      rest >>= step
      bits += Number(step)
    }
  }
  return rest > 0n ? bits + 1 : bits
}
