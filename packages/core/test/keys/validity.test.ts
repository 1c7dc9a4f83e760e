import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Kms } from '../../src/index.ts'
import { day, expectCode, makeWorld, outcomeOf, recordsOf } from '../support/kms.ts'

const no = 'INVALID_KEY_STATE'
const around = [
  [-1, true],
  [0, false],
  [1, false],
] as const

async function verbs(kms: Kms, ciphertext: Buffer): Promise<{ protects: string[]; processes: string[] }> {
  const protecting = [
    kms.encrypt({ key: 'k', plaintext: 'x' }),
    kms.generateDataKey({ key: 'k' }),
    kms.encryptMany({ items: [{ key: 'k', plaintext: 'x' }] }).then(({ items: [item] }) => {
      if (item?.ok === false) throw item.error
    }),
  ]
  const processes = [await outcomeOf(kms.decrypt({ ciphertext }))]
  return { protects: await Promise.all(protecting.map(outcomeOf)), processes }
}

describe('a key between validFrom and validUntil', () => {
  test.each([
    [-1, no],
    [0, 'ok'],
    [1, 'ok'],
  ])('C48 is used from the first of them on, %d ms from it: %s', async (offset, outcome) => {
    const { kms, clock } = await makeWorld()
    const validFrom = new Date(clock.now() + day)
    await kms.keys.create({ name: 'k', spec: 'AES_256', validFrom })
    clock.advance(day + offset)
    expect(await outcomeOf(kms.encrypt({ key: 'k', plaintext: 'x' }))).toBe(outcome)
    expect((await kms.keys.get({ key: 'k' })).validFrom).toEqual(validFrom)
  })

  test.each(around)('C48 is used before the last of them, %d ms from it: %s', async (offset, isValid) => {
    const { kms, clock } = await makeWorld()
    const validUntil = new Date(clock.now() + day)
    await kms.keys.create({ name: 'k', spec: 'AES_256', validUntil })
    const { ciphertext } = await kms.encrypt({ key: 'k', plaintext: 'x' })
    clock.advance(day + offset)
    const outcome = isValid ? 'ok' : no
    expect(await verbs(kms, ciphertext)).toEqual({ protects: [outcome, outcome, outcome], processes: [outcome] })
    expect(await outcomeOf(kms.keys.rotate({ key: 'k' }))).toBe(outcome)
    expect(await outcomeOf(kms.keys.update({ key: 'k', description: 'told of still' }))).toBe('ok')
    await kms.keys.disable({ key: 'k' })
    expect(await outcomeOf(kms.keys.enable({ key: 'k' }))).toBe(outcome)
  })

  test('C48 works again once its end is moved, or taken away', async () => {
    const { kms, clock } = await makeWorld()
    await kms.keys.create({ name: 'k', spec: 'AES_256', validUntil: new Date(clock.now() + day) })
    clock.advance(day)
    await expectCode(kms.encrypt({ key: 'k', plaintext: 'x' }), no)
    await kms.keys.update({ key: 'k', validUntil: new Date(clock.now() + 1) })
    await kms.encrypt({ key: 'k', plaintext: 'x' })
    clock.advance(1)
    await expectCode(kms.encrypt({ key: 'k', plaintext: 'x' }), no)
    const { validUntil } = await kms.keys.update({ key: 'k', validUntil: null })
    expect(validUntil).toBeUndefined()
    await kms.encrypt({ key: 'k', plaintext: 'x' })
  })

  test.each([0, -1])('C48 ends %d ms after it begins: refused', async (length) => {
    const { kms, clock, db } = await makeWorld()
    const validFrom = new Date(clock.now() + day)
    const validUntil = new Date(clock.now() + day + length)
    await expectCode(kms.keys.create({ spec: 'AES_256', validFrom, validUntil }), 'INVALID_REQUEST')
    expect(await db.rows('keys')).toEqual([])
    await kms.keys.create({ name: 'k', spec: 'AES_256', validFrom })
    await expectCode(kms.keys.update({ key: 'k', validUntil }), 'INVALID_REQUEST')
    expect((await kms.keys.get({ key: 'k' })).validUntil).toBeUndefined()
  })

  test.each([
    ['no date', '2030-01-01'],
    ['a number', 1_893_456_000_000],
    ['NaN', new Date(NaN)],
    ['a leap second', new Date('2016-12-31T23:59:60Z')],
    ['before 1970', new Date(-1)],
    ['the year 10000', new Date(253_402_300_800_000)],
    ['the end of time', new Date(8.64e15)],
    ['an object with getTime', { getTime: () => 1_893_456_000_000 }],
    ['an object that inherits from a date', Object.create(new Date())],
  ])('C48 is never %s', async (_, date) => {
    const { kms } = await makeWorld()
    for (const policy of [{ validFrom: date }, { validUntil: date }]) {
      await expectCode(kms.keys.create({ spec: 'AES_256', ...(policy as object) }), 'INVALID_REQUEST')
    }
  })

  test('C48 takes dates of another realm, and the last moment of the year 9999', async () => {
    const { kms } = await makeWorld()
    const last = new Date(253_402_300_799_999)
    const validUntil = runInNewContext('new Date(253402300799999)') as Date
    await kms.keys.create({ name: 'k', spec: 'AES_256', validUntil })
    expect((await kms.keys.get({ key: 'k' })).validUntil).toEqual(last)
  })

  test('P3 C48 what is done before its end is not answered when it is recorded at the end', async () => {
    let late = (): void => undefined
    const { kms, clock } = await makeWorld({}, (verb) => (verb === 'transact' ? late() : undefined))
    await kms.keys.create({ name: 'k', spec: 'AES_256', validUntil: new Date(clock.now() + day) })
    await kms.encrypt({ key: 'k', plaintext: 'x' })
    clock.advance(day - 1)
    late = () => clock.advance(1)
    await expectCode(kms.encrypt({ key: 'k', plaintext: 'x' }), no)
  })
})

describe('a version that expires', () => {
  test.each(around)('C48 protects before its time, %d ms from it: %s, and decrypts on', async (offset, isFresh) => {
    const { kms, clock } = await makeWorld()
    await kms.keys.create({ name: 'k', spec: 'AES_256', expiresAfterDays: 30 })
    const { ciphertext } = await kms.encrypt({ key: 'k', plaintext: 'x' })
    clock.advance(30 * day + offset)
    const outcome = isFresh ? 'ok' : no
    expect(await verbs(kms, ciphertext)).toEqual({ protects: [outcome, outcome, outcome], processes: ['ok'] })
  })

  test('C48 is followed by one that protects when the key is rotated', async () => {
    const { kms, clock } = await makeWorld()
    await kms.keys.create({ name: 'k', spec: 'AES_256', expiresAfterDays: 30 })
    clock.advance(30 * day)
    await kms.keys.rotate({ key: 'k' })
    const [first, second] = (await kms.keys.listVersions({ key: 'k' })).items
    expect(first?.expiresAt).toEqual(new Date(clock.now()))
    expect(second?.expiresAt).toEqual(new Date(clock.now() + 30 * day))
    expect((await kms.encrypt({ key: 'k', plaintext: 'x' })).keyVersion).toBe(2)
  })

  test.each(around)(
    'C48 S1-05 decrypts until it is no longer retained, %d ms from it: %s',
    async (offset, isRetained) => {
      const { kms, clock } = await makeWorld()
      await kms.keys.create({ name: 'k', spec: 'AES_256', expiresAfterDays: 30, retainAfterExpiryDays: 90 })
      const { ciphertext } = await kms.encrypt({ key: 'k', plaintext: 'x' })
      const [version] = (await kms.keys.listVersions({ key: 'k' })).items
      expect(version?.retainedUntil).toEqual(new Date(clock.now() + 120 * day))
      clock.advance(120 * day + offset)
      const outcome = isRetained ? 'ok' : no
      expect(await verbs(kms, ciphertext)).toEqual({ protects: [no, no, no], processes: [outcome] })
      await kms.keys.rotate({ key: 'k' })
      expect(await outcomeOf(kms.decrypt({ ciphertext }))).toBe(outcome)
    },
  )

  test('C48 stops decrypting at whichever end comes first: of its grace period, or of its retention', async () => {
    const { kms, clock } = await makeWorld()
    const policies = { gracePeriodDays: 5, expiresAfterDays: 10, retainAfterExpiryDays: 10 }
    await kms.keys.create({ name: 'k', spec: 'AES_256', ...policies })
    const { ciphertext } = await kms.encrypt({ key: 'k', plaintext: 'x' })
    await kms.keys.rotate({ key: 'k' })
    clock.advance(5 * day)
    await expectCode(kms.decrypt({ ciphertext }), no)
    const second = await kms.encrypt({ key: 'k', plaintext: 'x' })
    clock.advance(13 * day)
    await kms.keys.rotate({ key: 'k' })
    clock.advance(2 * day)
    await expectCode(kms.decrypt({ ciphertext: second.ciphertext }), no)
  })

  test('C48 is exact at every length, and a clock that is set back revives it only on record', async () => {
    const days = fc.integer({ min: 1, max: 36_500 })
    await fc.assert(
      fc.asyncProperty(days, fc.integer({ min: -2, max: 2 }), async (expiresAfterDays, off) => {
        const world = await makeWorld()
        const { kms, clock } = world
        await kms.keys.create({ name: 'k', spec: 'AES_256', expiresAfterDays })
        clock.advance(expiresAfterDays * day + off)
        const encrypt = async (): Promise<unknown> => kms.encrypt({ key: 'k', plaintext: 'x' })
        expect(await outcomeOf(encrypt())).toBe(off < 0 ? 'ok' : no)
        clock.set(clock.now() - day)
        const [record] = await recordsOf(world, encrypt)
        expect(record).toMatchObject({ status: 'SUCCESS', clockSkewMs: day })
      }),
      { numRuns: 15 },
    )
  })
})
