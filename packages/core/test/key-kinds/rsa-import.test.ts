import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { KeyMaterial } from '../../src/index.ts'
import { reasonOf } from '../../src/internal/reason.ts'
import { expectCode, makeWorld, recordOf } from '../support/kms.ts'
import { compositeP, der, goodNumbers, numbersOf, pkcs8Of, primeNextToP } from './rsa-keys.ts'
import { primeP, primeQ, spkiOf, threePrimePkcs8, threePrimes, type RsaNumbers } from './rsa-keys.ts'

const world = await makeWorld()
const { kms } = world

async function bring(material: KeyMaterial, spec: 'RSA_2048' | 'RSA_3072' = 'RSA_2048') {
  return kms.keys.create({ spec, usage: 'SIGN_VERIFY', origin: 'EXTERNAL', material })
}

const asPkcs8 = (numbers: RsaNumbers): KeyMaterial => ({ format: 'pkcs8', bytes: pkcs8Of(numbers) })
const asSpki = (numbers: Pick<RsaNumbers, 'n' | 'e'>): KeyMaterial => ({ format: 'spki', bytes: spkiOf(numbers) })

/** A private key as a JSON Web Key, member by member. */
function asJwk(numbers: RsaNumbers): KeyMaterial {
  const text = (value: bigint): string => {
    const digits = value.toString(16)
    return Buffer.from(digits.length % 2 === 0 ? digits : `0${digits}`, 'hex').toString('base64url')
  }
  const { n, e, d, p, q, dp, dq, qInverse } = numbers
  const members = { n: text(n), e: text(e), d: text(d), p: text(p), q: text(q), dp: text(dp), dq: text(dq) }
  return { format: 'jwk', jwk: { kty: 'RSA', ...members, qi: text(qInverse) } }
}

describe('a private RSA key', () => {
  test.each([
    ['PKCS#8', asPkcs8(goodNumbers)],
    ['JWK', asJwk(goodNumbers)],
  ])('B27 with good numbers is taken as %s, and signs', async (_, material) => {
    const key = await bring(material)
    const { signature } = await key.sign('message')
    expect(await key.verify('message', signature)).toMatchObject({ valid: true })
  })

  const e = (exponent: bigint): RsaNumbers => numbersOf(primeP, primeQ, exponent)
  const refused: Readonly<Record<string, RsaNumbers>> = {
    'the public exponent 1': { ...goodNumbers, e: 1n, d: 1n, dp: 1n, dq: 1n },
    'the public exponent 3': e(3n),
    'an odd public exponent below 65537': e(65_535n),
    'an even public exponent': { ...goodNumbers, e: 65_538n },
    'the public exponent 2^64 + 1': e((1n << 64n) + 1n),
    'equal primes': { ...numbersOf(primeP, primeP), qInverse: 1n },
    'neighbouring primes, which Fermat finds': numbersOf(primeP, primeNextToP),
    'a composite for a prime': numbersOf(compositeP, primeQ),
    'a composite for the other prime': numbersOf(primeQ, compositeP),
    'a modulus that is not the product': { ...goodNumbers, n: goodNumbers.n + 2n },
    'the primes 1 and n': { ...goodNumbers, p: 1n, q: goodNumbers.n },
    'another private exponent': { ...goodNumbers, d: goodNumbers.d + 2n },
    'a private exponent beyond the modulus': { ...goodNumbers, d: goodNumbers.d + (primeP - 1n) * (primeQ - 1n) },
    'another dp': { ...goodNumbers, dp: goodNumbers.dp + 1n },
    'another dq': { ...goodNumbers, dq: goodNumbers.dq + 1n },
    'a dp that is not reduced': { ...goodNumbers, dp: goodNumbers.dp + primeP - 1n },
    'another qInv': { ...goodNumbers, qInverse: goodNumbers.qInverse + 1n },
    'a qInv that is not reduced': { ...goodNumbers, qInverse: goodNumbers.qInverse + primeP },
  }

  test.each(Object.entries(refused))('B27 with %s is refused as PKCS#8', async (_, numbers) => {
    await expectCode(bring(asPkcs8(numbers)), 'INVALID_REQUEST')
  })

  test.each(Object.entries(refused))('B27 with %s is refused as JWK', async (_, numbers) => {
    await expectCode(bring(asJwk(numbers)), 'INVALID_REQUEST')
  })

  test('B27 of three primes is refused', async () => {
    await expectCode(bring({ format: 'pkcs8', bytes: threePrimePkcs8(threePrimes) }), 'INVALID_REQUEST')
  })

  test.each([512, 1024, 2047, 2050, 3072])('B27 of %i bits is refused as RSA_2048', async (modulusLength) => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength })
    const options = { format: 'der' } as const
    const bytes = privateKey.export({ ...options, type: 'pkcs8' })
    await expectCode(bring({ format: 'pkcs8', bytes }), 'INVALID_REQUEST')
    await expectCode(
      bring({ format: 'spki', bytes: publicKey.export({ ...options, type: 'spki' }) }),
      'INVALID_REQUEST',
    )
  })

  test('B27 of 2048 bits is refused as RSA_3072', async () => {
    await expectCode(bring(asPkcs8(goodNumbers), 'RSA_3072'), 'INVALID_REQUEST')
  })

  test('B27 that is for PSS alone is refused, private or public', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa-pss', { modulusLength: 2048 })
    const options = { format: 'der' } as const
    const bytes = privateKey.export({ ...options, type: 'pkcs8' })
    await expectCode(bring({ format: 'pkcs8', bytes }), 'INVALID_REQUEST')
    await expectCode(
      bring({ format: 'spki', bytes: publicKey.export({ ...options, type: 'spki' }) }),
      'INVALID_REQUEST',
    )
  })

  test('B27 that is refused changes nothing and has its record, which says what was wrong and not with which number', async () => {
    const { d } = refused['another private exponent'] as RsaNumbers
    const before = await world.db.rows('keys')
    const record = await recordOf(world, async () => bring(asPkcs8({ ...goodNumbers, d })))
    expect(record).toMatchObject({ action: 'createKey', status: 'FAILURE', code: 'INVALID_REQUEST' })
    expect(JSON.stringify(record)).not.toContain(d.toString(16).slice(0, 16))
    expect(await world.db.rows('keys')).toEqual(before)
    const error = await expectCode(bring(asPkcs8({ ...goodNumbers, d })), 'INVALID_REQUEST')
    expect(`${error.message} ${String(reasonOf(error))}`).toContain('do not belong together')
  })
})

describe('a public RSA key', () => {
  test('B27 with good numbers verifies what its private half signed', async () => {
    const [pair, alone] = [await bring(asPkcs8(goodNumbers)), await bring(asSpki(goodNumbers))]
    const { signature } = await pair.sign('message')
    expect(await alone.verify('message', signature)).toMatchObject({ valid: true })
    expect((await alone.getPublicKey()).publicKey).toEqual(spkiOf(goodNumbers))
  })

  test.each([1n, 2n, 3n, 65_535n, 65_538n, (1n << 64n) + 1n, goodNumbers.n - 2n])(
    'B27 with the exponent %s is refused',
    async (e) => {
      await expectCode(bring(asSpki({ n: goodNumbers.n, e })), 'INVALID_REQUEST')
    },
  )

  test('B27 with an even modulus is refused', async () => {
    await expectCode(bring(asSpki({ n: goodNumbers.n + 1n, e: 65_537n })), 'INVALID_REQUEST')
  })

  test('B27 with the modulus 0 is refused', async () => {
    await expectCode(bring(asSpki({ n: 0n, e: 65_537n })), 'INVALID_REQUEST')
  })

  test('B27 with a negative modulus is refused', async () => {
    const spki = spkiOf(goodNumbers)
    const at = spki.indexOf(Buffer.from([2, 0x82, 1, 1, 0])) + 4
    expect(at).toBeGreaterThan(20)
    spki[at] = 0xff
    await expectCode(bring({ format: 'spki', bytes: spki }), 'INVALID_REQUEST')
  })

  test('B27 whose algorithm lacks its NULL is not canonical, and refused', async () => {
    const bits = spkiOf(goodNumbers).subarray(19)
    const bytes = der(0x30, Buffer.from('300b06092a864886f70d010101', 'hex'), bits)
    await expectCode(bring({ format: 'spki', bytes }), 'INVALID_REQUEST')
  })
})
