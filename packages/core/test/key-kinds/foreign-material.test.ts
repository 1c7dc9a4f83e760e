import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { memoryStorage } from '@chatelaine/storage-memory'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { createKms, generateRootKey, localRootKey, type KeyMaterial, type Kms } from '../../src/index.ts'
import { expectCode } from '../support/kms.ts'

let kms: Kms
beforeAll(async () => {
  kms = await createKms({ storage: memoryStorage(), rootKey: localRootKey(generateRootKey()) })
})
afterAll(() => kms.close())

/** A DER value with this tag. */
function tlv(tag: number, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts)
  const size = Buffer.from([0x82, body.length >> 8, body.length & 0xff])
  return Buffer.concat([Buffer.from([tag]), body.length < 0x80 ? Buffer.from([body.length]) : size, body])
}

/** A PKCS#8 of DSA, whose public half takes half a minute to compute. */
function endless(): Buffer {
  const number = (bytes: number, last: number): Buffer => {
    const value = Buffer.alloc(bytes, 0x7f)
    value[bytes - 1] = last
    return tlv(0x02, value)
  }
  const [p, q, g, x] = [number(5000, 0xff), number(4900, 0x01), number(4800, 0x03), number(64, 0x05)]
  const dsa = Buffer.from('06072a8648ce380401', 'hex')
  return tlv(0x30, Buffer.from('020100', 'hex'), tlv(0x30, dsa, tlv(0x30, p, q, g)), tlv(0x04, x))
}

const pair = (): KeyObject => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
const forms: readonly [string, (key: KeyObject) => KeyMaterial][] = [
  ['pem', (key) => ({ format: 'pkcs8', bytes: key.export({ format: 'pem', type: 'pkcs8' }) })],
  ['der', (key) => ({ format: 'pkcs8', bytes: Uint8Array.from(key.export({ format: 'der', type: 'pkcs8' })) })],
  ['jwk', (key) => ({ format: 'jwk', jwk: key.export({ format: 'jwk' }) })],
]
const external = { spec: 'ECC_NIST_P256', usage: 'SIGN_VERIFY', origin: 'EXTERNAL' } as const

/** Everything that was allocated while something ran. */
async function allocated(work: () => Promise<unknown>): Promise<Buffer[]> {
  const buffers: Buffer[] = []
  const spies = (['allocUnsafeSlow', 'allocUnsafe', 'alloc', 'from'] as const).map((name) => {
    const original = Buffer[name].bind(Buffer) as (...given: unknown[]) => Buffer
    return vi.spyOn(Buffer, name).mockImplementation(((...given: unknown[]) => {
      const buffer = original(...given)
      buffers.push(buffer)
      return buffer
    }) as never)
  })
  try {
    await work()
  } finally {
    for (const spy of spies) spy.mockRestore()
  }
  return buffers
}

describe('key material from elsewhere', () => {
  test('B27 of a kind that no key spec has is not computed with: nobody holds the process up by it', async () => {
    const material: KeyMaterial = { format: 'pkcs8', bytes: endless() }
    const before = process.cpuUsage()
    await expectCode(
      kms.as('stranger').keys.create({ spec: 'AES_256', origin: 'EXTERNAL', material }),
      'INVALID_REQUEST',
    )
    await expectCode(kms.keys.create({ ...external, material }), 'INVALID_REQUEST')
    const { user, system } = process.cpuUsage(before)
    // Had OpenSSL looked at it, this would be tens of seconds.
    expect((user + system) / 1e6).toBeLessThan(2)
  })

  test.each(forms)('P4 in %s leaves no copy behind, in no buffer and in no pool', async (_, form) => {
    const key = pair()
    // Not in the pool itself, where it would be found again.
    const secret = Buffer.allocUnsafeSlow(32)
    secret.write(key.export({ format: 'jwk' }).d as string, 'base64url')
    const material = form(key)
    const buffers = await allocated(async () => kms.keys.create({ ...external, material }))
    expect(buffers.length).toBeGreaterThan(0)
    const holding = buffers.filter((buffer) => Buffer.from(buffer.buffer).includes(secret))
    expect(holding).toHaveLength(0)
  })

  test('P4 raw leaves no copy behind where the rest of the request is wrong', async () => {
    const secret = Buffer.from('3c6f2b7a9d1e4850a1b2c3d4e5f60718293a4b5c6d7e8f901122334455667788', 'hex')
    const material: KeyMaterial = { format: 'raw', bytes: Uint8Array.from(secret) }
    for (const wrong of [{ name: 'a b' }, { usage: 'SIGN_VERIFY' }, { description: '' }]) {
      const request = { spec: 'AES_256', origin: 'EXTERNAL', material, ...wrong } as never
      const buffers = await allocated(async () => expectCode(kms.keys.create(request), 'INVALID_REQUEST'))
      expect(buffers.filter((buffer) => buffer.includes(secret))).toHaveLength(0)
    }
  })

  test.each(forms)('P4 in %s is in no regular expression afterwards, which would keep it for ever', async (_, form) => {
    const key = pair()
    const material = form(key)
    expect('before'.match(/before/)).toHaveLength(1)
    await kms.keys.create({ ...external, material })
    const secrets = [
      (key.export({ format: 'jwk' }).d as string).slice(4, 30),
      (key.export({ format: 'pem', type: 'pkcs8' }) as string).split('\n')[1]?.slice(4, 40) as string,
    ]
    const remembered = String(Reflect.get(RegExp, '$_'))
    expect(secrets.filter((secret) => remembered.includes(secret))).toEqual([])
  })

  test.each<[string, unknown]>([
    [
      'a format that throws',
      {
        get format() {
          throw new Error('mine')
        },
      },
    ],
    [
      'a JWK that throws',
      {
        format: 'jwk',
        jwk: {
          get kty() {
            throw new Error('mine')
          },
        },
      },
    ],
    [
      'a JWK whose members cannot be listed',
      {
        format: 'jwk',
        jwk: new Proxy(
          {},
          {
            ownKeys: () => {
              throw new Error('mine')
            },
          },
        ),
      },
    ],
    ['a member too many', { format: 'raw', bytes: new Uint8Array(32).fill(7), jwk: {} }],
    ['an unknown format', { format: '__proto__', bytes: new Uint8Array(32) }],
  ])('I121 with %s is an invalid request', async (_, material) => {
    await expectCode(kms.keys.create({ spec: 'AES_256', origin: 'EXTERNAL', material } as never), 'INVALID_REQUEST')
  })

  test('I121 a JWK is read once: what a getter says the second time does not matter', async () => {
    let reads = 0
    const jwk = {
      kty: 'oct',
      get k() {
        return (reads += 1) === 1 ? 'A'.repeat(42) + 'E' : 'B'.repeat(5e6)
      },
    }
    await kms.keys.create({ spec: 'AES_256', origin: 'EXTERNAL', material: { format: 'jwk', jwk } })
    expect(reads).toBe(1)
  })

  test.each([
    new Uint8Array(256),
    { length: 3 },
    Object.create(Uint8Array.prototype),
    new Proxy(new Uint8Array(3), {}),
  ])('B42 a signing context that is no short Uint8Array is an invalid request: %o', async (signingContext) => {
    const { id: key } = await kms.keys.create({ spec: 'ML_DSA_44' })
    await expectCode(
      kms.sign({ key: key as string, message: 'm', signingContext: signingContext as never }),
      'INVALID_REQUEST',
    )
  })

  test('B37 a public key is no secret, as bytes neither: what everybody has authenticates nothing', async () => {
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    for (const bytes of [
      Buffer.from(publicKey.export({ format: 'pem', type: 'spki' })),
      publicKey.export({ format: 'der', type: 'spki' }),
      generateKeyPairSync('ed25519').publicKey.export({ format: 'der', type: 'spki' }),
    ]) {
      const material: KeyMaterial = { format: 'raw', bytes }
      await expectCode(kms.keys.create({ spec: 'HMAC_256', origin: 'EXTERNAL', material }), 'INVALID_REQUEST')
    }
  })

  test('C52 ensure gives a key of the pair that was brought, or none', async () => {
    const [mine, other] = [pair(), pair()]
    const brought = (key: KeyObject): KeyMaterial => ({ format: 'jwk', jwk: key.export({ format: 'jwk' }) })
    const first = await kms.keys.ensure({ name: 'brought', ...external, material: brought(mine) })
    expect((await kms.keys.ensure({ name: 'brought', ...external, material: brought(mine) })).id).toBe(first.id)
    await expectCode(kms.keys.ensure({ name: 'brought', ...external, material: brought(other) }), 'CONFLICT')
    await expectCode(kms.keys.ensure({ name: 'brought', spec: 'ECC_NIST_P256', usage: 'SIGN_VERIFY' }), 'CONFLICT')
    await kms.keys.ensure({ name: 'made', spec: 'ECC_NIST_P256', usage: 'SIGN_VERIFY' })
    await expectCode(kms.keys.ensure({ name: 'made', ...external, material: brought(mine) }), 'CONFLICT')
  })
})

describe('digests of many callers at once', () => {
  test.each([
    ['RSA_2048', 32],
    ['ECC_NIST_P521', 64],
    ['ECC_NIST_EDWARDS25519', 64],
  ] as const)('I123 of %s are signed one at a time, with a turn for others after each', async (spec, length) => {
    const { id } = await kms.keys.create({ spec, usage: 'SIGN_VERIFY' } as never)
    const key = id as unknown as string
    const algorithm = spec === 'ECC_NIST_EDWARDS25519' ? ({ algorithm: 'ED25519_PH_SHA_512' } as const) : {}
    const request = { key, message: new Uint8Array(length).fill(7), messageType: 'DIGEST', ...algorithm } as const
    let turns = 0
    let left = 8
    const count = (): void => {
      turns += 1
      if (left > 0) setImmediate(count)
    }
    setImmediate(count)
    const sign = async (): Promise<void> => {
      await kms.sign(request)
      left -= 1
    }
    await Promise.all(Array.from({ length: 8 }, sign))
    expect(turns).toBeGreaterThanOrEqual(7)
  })
})
