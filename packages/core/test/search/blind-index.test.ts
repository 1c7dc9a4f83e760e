import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { normalizers } from '../../src/operations/shared/normalizers.ts'
import { expectCode, makeWorld, recordOf, recordsOf } from '../support/kms.ts'
import { readOwn } from '../support/envelope-vectors.ts'

const field = 'customers.email'

async function world() {
  const made = await makeWorld()
  const index = await made.kms.keys.create({ name: 'index', spec: 'HMAC_256' })
  return { ...made, index }
}

describe('a blind index', () => {
  test('is the same for the same value of a field, and another for everything else', async () => {
    const { kms, index } = await world()
    await kms.keys.create({ name: 'other', spec: 'HMAC_256' })
    const of = async (key: string, name: string, value: string): Promise<string> =>
      (await kms.blindIndex({ key, field: name, value })).index.toString('hex')
    const first = await of('index', field, 'anna@example.org')
    expect(await of('index', field, 'anna@example.org')).toBe(first)
    expect((await index.blindIndex('anna@example.org', { field })).index.toString('hex')).toBe(first)
    const others = [
      await of('index', field, 'anna@example.com'),
      await of('index', 'customers.name', 'anna@example.org'),
      await of('other', field, 'anna@example.org'),
      await of('index', `${field}a`, 'nna@example.org'),
    ]
    expect(new Set([first, ...others]).size).toBe(5)
    expect(first).toHaveLength(64)
  })

  test.each([8, 9, 15, 16, 31, 255, 256])(
    'of %i bits is the beginning of the whole one, with zeros after it',
    async (bits) => {
      const { index } = await world()
      const whole = (await index.blindIndex('value', { field })).index
      const short = (await index.blindIndex('value', { field, bits })).index
      const binary = (bytes: Buffer): string => [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('')
      expect(short).toHaveLength(Math.ceil(bits / 8))
      expect(binary(short)).toBe(
        binary(whole)
          .slice(0, bits)
          .padEnd(short.length * 8, '0'),
      )
    },
  )

  test.each<[object, string]>([
    [{ bits: 7 }, 'INVALID_REQUEST'],
    [{ bits: 257 }, 'INVALID_REQUEST'],
    [{ bits: 8.5 }, 'INVALID_REQUEST'],
    [{ field: '' }, 'INVALID_REQUEST'],
    [{ value: '\ud800' }, 'INVALID_REQUEST'],
    [{ value: 7 }, 'INVALID_REQUEST'],
    [{ normalizer: 'soundex' }, 'INVALID_REQUEST'],
    [{ normalizer: 'toString' }, 'INVALID_REQUEST'],
    [{ normalizer: 'digits', value: 'none' }, 'INVALID_REQUEST'],
    [{ normalizer: 'email', value: Buffer.from('a') }, 'INVALID_REQUEST'],
    [{ value: 'x'.repeat(16 * 1024 + 1) }, 'LIMIT_EXCEEDED'],
    [{ value: '\ufdfa'.repeat(16 * 1024), normalizer: 'nfkc' }, 'LIMIT_EXCEEDED'],
    [{ value: Buffer.alloc(16 * 1024 + 1) }, 'LIMIT_EXCEEDED'],
  ])('is refused of %o', async (part, code) => {
    const { kms } = await world()
    await expectCode(kms.blindIndex({ key: 'index', field, value: 'x', ...part }), code as 'INVALID_REQUEST')
  })

  test('is recorded without value and field', async () => {
    const made = await world()
    const request = { key: 'index', field, value: 'anna@example.org' }
    const record = await recordOf(made, () => made.kms.blindIndex(request))
    expect(record).toMatchObject({ action: 'blindIndex', status: 'SUCCESS', keyId: made.index.id, keyVersion: 1 })
    expect(JSON.stringify(record)).not.toMatch(/anna|email/)
  })

  test('cannot be had from MACs of the same key: they are made with another hash', async () => {
    const { kms } = await makeWorld()
    for (const spec of ['HMAC_224', 'HMAC_256', 'HMAC_384', 'HMAC_512'] as const) {
      await kms.keys.create({ name: spec, spec })
      const info = Buffer.concat([Buffer.from(`chatelaine/blind-index/v1\0${field}`), Buffer.from([1])])
      const { mac } = await kms.generateMac({ key: spec, message: info })
      const guess = createHmac('sha256', mac.subarray(0, 32)).update('value').digest('hex')
      const { index } = await kms.blindIndex({ key: spec, field, value: 'value' })
      expect([spec, index.toString('hex')]).not.toEqual([spec, guess])
    }
  })
})

describe('while its key is rotated a blind index', () => {
  test('is stored by the current version, and looked up by every version that can still be used', async () => {
    const made = await world()
    const { kms, index } = made
    const of = async (): Promise<string> => (await index.blindIndex('v', { field })).index.toString('hex')
    const all = async (): Promise<string[]> =>
      (await index.blindIndexes('v', { field })).indexes.map(
        (each) => `${each.keyVersion} ${each.index.toString('hex')}`,
      )
    const one = await of()
    expect(await all()).toEqual([`1 ${one}`])
    await index.rotate()
    const two = await of()
    expect(two).not.toBe(one)
    expect(await all()).toEqual([`2 ${two}`, `1 ${one}`])
    const [record, ...more] = await recordsOf(made, () => index.blindIndexes('v', { field }))
    expect(more).toEqual([])
    expect(record).toMatchObject({ action: 'blindIndex', keyVersion: 2, details: { versions: 2 } })
    await kms.keys.update({ key: 'index', minDecryptVersion: 2 })
    expect(await all()).toEqual([`2 ${two}`])
    await index.disable()
    await expectCode(index.blindIndexes('v', { field }), 'INVALID_KEY_STATE')
  })

  test('leaves out versions that were revoked, disabled, or whose grace is over, to the millisecond', async () => {
    const { kms, clock, index } = await world()
    await kms.keys.update({ key: 'index', gracePeriodDays: 1 })
    await index.rotate()
    await index.rotate()
    const versions = async (): Promise<number[]> =>
      (await index.blindIndexes('v', { field })).indexes.map(({ keyVersion }) => keyVersion)
    expect(await versions()).toEqual([3, 2, 1])
    await kms.keys.revoke({ key: 'index', version: 2, reason: 'leaked' })
    expect(await versions()).toEqual([3, 1])
    await kms.keys.disable({ key: 'index', version: 1 })
    expect(await versions()).toEqual([3])
    await kms.keys.enable({ key: 'index', version: 1 })
    clock.advance(86_400_000 - 1)
    expect(await versions()).toEqual([3, 1])
    clock.advance(1)
    expect(await versions()).toEqual([3])
  })

  test('knows of a rotation in another process that was acknowledged before', async () => {
    const { again, index } = await world()
    const other = await again()
    await other.blindIndexes({ key: 'index', field, value: 'v' })
    await index.rotate()
    const { indexes } = await other.blindIndexes({ key: 'index', field, value: 'v' })
    expect(indexes.map(({ keyVersion }) => keyVersion)).toEqual([2, 1])
  })

  test('is refused by more than a hundred usable versions, rather than found by some of them', async () => {
    const { index } = await world()
    for (let version = 2; version <= 101; version++) await index.rotate()
    await expectCode(index.blindIndexes('v', { field }), 'LIMIT_EXCEEDED')
  })
})

describe('normalizers', () => {
  test.each<[keyof typeof normalizers, string, string]>([
    ['none', ' Ä ', ' Ä '],
    ['nfkc', 'ﬁ Ａ e\u0301', 'fi A é'],
    ['lowercase', 'İSTANBUL ÀB', 'i̇stanbul àb'],
    ['email', ' Anna.Berg+Shop@Example.ORG\n', 'anna.berg+shop@example.org'],
    ['digits', '+49 (0)30 １２3-４', '490301234'],
    ['alphanumeric', 'DE89 3704-0044 ß', 'de8937040044ß'],
  ])('%s of %j is %j', (name, from, to) => {
    expect(normalizers[name](from)).toBe(to)
    expect(normalizers[name](to)).toBe(to)
  })

  test('make equal what is meant as equal', async () => {
    const { index } = await world()
    const of = async (value: string): Promise<string> =>
      (await index.blindIndex(value, { field, normalizer: 'email' })).index.toString('hex')
    expect(await of('ANNA@example.org ')).toBe(await of('anna@EXAMPLE.org'))
  })
})

describe('our own blind index vectors', () => {
  const { tests } = readOwn<{
    tests: {
      id: number
      material: string
      spec: 'HMAC_256'
      field: string
      value: string
      bits: number
      index: string
    }[]
  }>('blind-index.json')

  test.each(tests)(
    'A25 $id is made byte by byte as it was',
    async ({ material, spec, field: name, value, bits, index }) => {
      const { kms } = await makeWorld()
      const bytes = Buffer.from(material, 'hex')
      const key = await kms.keys.create({ spec, origin: 'EXTERNAL', material: { format: 'raw', bytes } })
      const made = await key.blindIndex(Buffer.from(value, 'hex'), { field: name, bits })
      expect(made.index.toString('hex')).toBe(index)
    },
  )
})
