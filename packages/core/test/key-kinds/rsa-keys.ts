/** Numbers in hexadecimal, over several lines. */
const hex = (...lines: readonly string[]): bigint => BigInt(`0x${lines.join('')}`)

/** Primes of 1024 bits whose product has 2048: published here, so good for tests only. */
export const primeP = hex(
  'f5598d8a9efb854914ec6be90079c103de68fdc64eb835c0d0bb40330f3b409aebf644b2a5293d429a513eb83aa7a75e',
  '29b8aafe2b091a07556e8a5243750a6ddac72a7f1fbfa5dd0965544f5b9dc95938c1bdfe857bb5c1813835e9b8e7b386',
  '115671bb4e8a8c49b362657609d3cedfc8a0230b4b54b8725f35f2628feb2d21',
)
export const primeQ = hex(
  'ebfb59755b7dd03e51fffb5459288e64ade98d8eccfb647d64f28467badd9fd36b99e1a4fa9e47c78b05e22b55a0c7a0',
  'ccebb68fe8271a37b9d0913e2ac5b29da3b45832566aca9aff0f02b2aba2a2c03dca93ada2d0f86e854c5144ffc738ba',
  'e32acff7bc0112e3d6fbd2d176a6496794fd427b9e0103a6ff28a8de8a131655',
)
/** The next prime after {@link primeP}. */
export const primeNextToP = primeP + 308n
/** The product of two primes of 512 bits: as long as {@link primeP}, and no prime. */
export const compositeP =
  hex(
    'ef06a1722b25b7ed12ce823e87a89566ae03b12f11be3bef59926b6d74e55d8e',
    '7c304ee40bdfffe9023f0669a51cd0625c241bc475d5070881f602851a4579f5',
  ) *
  hex(
    'cdc1c2785a29d28a56fb28d91e38c3e49736ce6aa6307174fd96011f0d57f645',
    '9e60b195a421a876dcf2271819f3454d72e42f8153e3cd305ebe95a159e60b5d',
  )
/** Three primes whose product has 2048 bits. */
export const threePrimes = [
  hex(
    '6f50f872fc0096737ed4f0f8474a509dc5453b83f9a3217da2a9b5ca55c8948639122ac882b7402bb712cc5d9eee6db8',
    '7c7771de56174126cfd697271ae9cec51888e48f4b7ddc363eb6a0a376c0cfd48f099e41e77',
  ),
  hex(
    '6d0c38bd7bbf8c17e993751a8aa22dfd81dd6f4ab5708fcead323db48937153794c1a9f65885595d72b09d877e2d235d',
    '3d28f0845e5da7ed548c50cc510252dd0380f9853e20783733de005d2a01bdf065f0359699b',
  ),
  hex(
    '3bb3869e9775cef05f69810c914fb1c25f44770b32c4af74b4d892c563b304a3a129900bd11990dabe6192fcc9d184fc',
    '2bd3f9b980779ca45f05efc9648d4ede6b62339c5ae5a70356cb832b00a3da57091523f50f7',
  ),
] as const

/** The numbers of an RSA private key, in the order of RFC 8017 appendix A.1.2. */
export interface RsaNumbers {
  readonly n: bigint
  readonly e: bigint
  readonly d: bigint
  readonly p: bigint
  readonly q: bigint
  readonly dp: bigint
  readonly dq: bigint
  readonly qInverse: bigint
}

/** What a number has to be multiplied with to come to 1. */
function inverse(number: bigint, modulus: bigint): bigint {
  let [r, rest, x, y] = [modulus, ((number % modulus) + modulus) % modulus, 0n, 1n]
  while (rest !== 0n) {
    const quotient = r / rest
    ;[r, rest, x, y] = [rest, r - quotient * rest, y, x - quotient * y]
  }
  return ((x % modulus) + modulus) % modulus
}

/** The numbers of a key of these primes, consistent whatever the primes are. */
export function numbersOf(p: bigint, q: bigint, e = 65_537n): RsaNumbers {
  const d = inverse(e, (p - 1n) * (q - 1n))
  return { n: p * q, e, d, p, q, dp: d % (p - 1n), dq: d % (q - 1n), qInverse: inverse(q, p) }
}

/** A DER value (X.690). */
export function der(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(contents)
  const size = body.length.toString(16)
  const long = Buffer.from(size.length % 2 === 0 ? size : `0${size}`, 'hex')
  return Buffer.concat([
    Buffer.from([tag, ...(body.length < 128 ? [body.length] : [0x80 + long.length, ...long])]),
    body,
  ])
}

/** An integer in DER. */
export function derInteger(value: bigint): Buffer {
  const digits = value.toString(16)
  const bytes = Buffer.from(digits.length % 2 === 0 ? digits : `0${digits}`, 'hex')
  return der(2, (bytes[0] as number) < 128 ? bytes : Buffer.concat([Buffer.alloc(1), bytes]))
}

const rsaEncryption = Buffer.from('300d06092a864886f70d0101010500', 'hex')

/** A private key in PKCS#8, of whatever numbers. */
export function pkcs8Of({ n, e, d, p, q, dp, dq, qInverse }: RsaNumbers): Buffer {
  const numbers = [0n, n, e, d, p, q, dp, dq, qInverse].map(derInteger)
  return der(0x30, derInteger(0n), rsaEncryption, der(4, der(0x30, ...numbers)))
}

/** A private key of three primes in PKCS#8: RFC 8017 appendix A.1.2, version 1. */
export function threePrimePkcs8([p, q, r]: typeof threePrimes): Buffer {
  const e = 65_537n
  const d = inverse(e, (p - 1n) * (q - 1n) * (r - 1n))
  const numbers = [1n, p * q * r, e, d, p, q, d % (p - 1n), d % (q - 1n), inverse(q, p)].map(derInteger)
  const others = der(0x30, der(0x30, ...[r, d % (r - 1n), inverse(p * q, r)].map(derInteger)))
  return der(0x30, derInteger(0n), rsaEncryption, der(4, der(0x30, ...numbers, others)))
}

/** A public key in SubjectPublicKeyInfo, of whatever numbers. */
export function spkiOf({ n, e }: Pick<RsaNumbers, 'n' | 'e'>): Buffer {
  return der(0x30, rsaEncryption, der(3, Buffer.alloc(1), der(0x30, derInteger(n), derInteger(e))))
}

/** A good RSA key of 2048 bits. */
export const goodNumbers = numbersOf(primeP, primeQ)
