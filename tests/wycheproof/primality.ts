import { checkPrimeSync } from 'node:crypto'
import type { Kms } from '@chatelaine/core'
import { hex, imported, type Family } from './case.ts'

const e = 65_537n

/** Lengths of the primes of RSA keys, which are all half as long as the modulus. */
const specs: Readonly<Record<number, string>> = { 1024: 'RSA_2048', 1536: 'RSA_3072', 2048: 'RSA_4096' }

/** The number is put in the place of a prime of an RSA key that has nothing else against it. */
export const primality: Family = {
  prepare: async (kms) => async (each) => {
    const bytes = hex(each, 'value')
    // Vectors write numbers in two's complement.
    if ((bytes[0] ?? 0x80) >= 0x80) return 'inexpressible'
    return (await importedWithPrime(kms, toBigInt(bytes))) ?? 'inexpressible'
  },
  blames: () => 'key',
}

/** Whether an RSA key with this number as a prime is taken; `undefined` where no key has a prime of its length. */
export async function importedWithPrime(kms: Kms, p: bigint): Promise<'accepted' | 'key refused' | undefined> {
  const bits = p.toString(2).length
  const spec = specs[bits]
  if (spec === undefined) return undefined
  const material = { format: 'jwk', jwk: rsaJwk(p, otherPrime(bits)) } as const
  return (await imported(kms, { spec, usage: 'SIGN_VERIFY', material })) === undefined ? 'key refused' : 'accepted'
}

/** The first prime of so many bits from 0.9 of their limit on: its product with any other has twice as many bits. */
export function otherPrime(bits: number, tenths = 9n): bigint {
  let candidate = ((1n << BigInt(bits)) * tenths) / 10n - ((((1n << BigInt(bits)) * tenths) / 10n) % 2n) + 1n
  while (candidate % e === 1n || !checkPrimeSync(candidate)) candidate += 2n
  return candidate
}

/** All the numbers of a private key as they follow from what are said to be its primes. */
function rsaJwk(p: bigint, q: bigint): Record<string, string> {
  const d = inverse(e, (p - 1n) * (q - 1n))
  const numbers = { n: p * q, e, d, p, q, dp: d % (p - 1n), dq: d % (q - 1n), qi: inverse(q, p) }
  const encoded = Object.entries(numbers).map(([name, value]) => [name, toBase64url(value)])
  return { kty: 'RSA', ...(Object.fromEntries(encoded) as Record<string, string>) }
}

function inverse(value: bigint, modulus: bigint): bigint {
  let [a, b, x, y] = [value % modulus, modulus, 1n, 0n]
  while (a > 1n) {
    const quotient = a / b
    ;[a, b] = [b, a % b]
    ;[x, y] = [y, x - quotient * y]
  }
  if (a !== 1n) throw new Error('there is no inverse')
  return x < 0n ? x + modulus : x
}

function toBigInt(bytes: Buffer): bigint {
  return BigInt(`0x0${bytes.toString('hex')}`)
}

function toBase64url(value: bigint): string {
  const digits = value.toString(16)
  return Buffer.from(digits.padStart(digits.length + (digits.length % 2), '0'), 'hex').toString('base64url')
}
