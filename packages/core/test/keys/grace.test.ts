import fc from 'fast-check'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import type { Kms } from '../../src/index.ts'
import { day, expectCode, makeWorld, outcomeOf } from '../support/kms.ts'

async function sealed(kms: Kms, key: string): Promise<Buffer> {
  return (await kms.encrypt({ key, plaintext: 'old' })).ciphertext
}

describe('the grace period', () => {
  test.each([1, 30, 36_500])('C48 of %d days ends exactly so long after the rotation', async (gracePeriodDays) => {
    const { kms, clock } = await makeWorld()
    await kms.keys.create({ name: 'k', spec: 'AES_256', gracePeriodDays })
    const ciphertext = await sealed(kms, 'k')
    clock.advance(5 * day)
    await kms.keys.rotate({ key: 'k' })
    const [retired] = (await kms.keys.listVersions({ key: 'k' })).items
    expect(retired?.graceEndsAt).toEqual(new Date(clock.now() + gracePeriodDays * day))
    clock.advance(gracePeriodDays * day - 1)
    expect((await kms.decrypt({ ciphertext })).plaintext.toString()).toBe('old')
    clock.advance(1)
    await expectCode(kms.decrypt({ ciphertext }), 'INVALID_KEY_STATE')
    clock.advance(1)
    await expectCode(kms.reEncrypt({ ciphertext }), 'INVALID_KEY_STATE')
  })

  test('C48 of 0 days ends at once', async () => {
    const { kms } = await makeWorld()
    await kms.keys.create({ name: 'k', spec: 'AES_256', gracePeriodDays: 0 })
    const ciphertext = await sealed(kms, 'k')
    await kms.keys.rotate({ key: 'k' })
    const record = await expectCode(kms.decrypt({ ciphertext }), 'INVALID_KEY_STATE')
    expect(record.message).toBe("the key's state forbids it: the grace period of the version is over")
  })

  test('C48 that is not given never ends', async () => {
    const { kms, clock } = await makeWorld()
    await kms.keys.create({ name: 'k', spec: 'AES_256' })
    const ciphertext = await sealed(kms, 'k')
    await kms.keys.rotate({ key: 'k' })
    expect((await kms.keys.listVersions({ key: 'k' })).items[0]?.graceEndsAt).toBeUndefined()
    clock.advance(100_000 * day)
    expect((await kms.decrypt({ ciphertext })).keyVersion).toBe(1)
  })

  test('C48 holds for the version, whatever the key is set to later', async () => {
    const { kms, clock } = await makeWorld()
    await kms.keys.create({ name: 'k', spec: 'AES_256', gracePeriodDays: 1 })
    const ciphertext = await sealed(kms, 'k')
    await kms.keys.rotate({ key: 'k' })
    await kms.keys.update({ key: 'k', gracePeriodDays: 10 })
    clock.advance(day)
    await expectCode(kms.decrypt({ ciphertext }), 'INVALID_KEY_STATE')
  })

  test('C48 runs on while the version is disabled, and for one that was disabled when it was rotated away', async () => {
    const { kms, clock } = await makeWorld()
    await kms.keys.create({ name: 'k', spec: 'AES_256', gracePeriodDays: 1 })
    const ciphertext = await sealed(kms, 'k')
    await kms.keys.disable({ key: 'k', version: 1 })
    await kms.keys.rotate({ key: 'k' })
    await kms.keys.enable({ key: 'k' })
    await kms.keys.enable({ key: 'k', version: 1 })
    clock.advance(day - 1)
    expect((await kms.decrypt({ ciphertext })).keyVersion).toBe(1)
    await kms.keys.disable({ key: 'k', version: 1 })
    clock.advance(1)
    await kms.keys.enable({ key: 'k', version: 1 })
    await expectCode(kms.decrypt({ ciphertext }), 'INVALID_KEY_STATE')
  })

  test('S0-28 a version in its grace period processes, and never protects', async () => {
    const { kms } = await makeWorld()
    await kms.keys.create({ name: 'k', spec: 'AES_256', gracePeriodDays: 7 })
    const ciphertext = await sealed(kms, 'k')
    await kms.keys.rotate({ key: 'k' })
    expect((await kms.decrypt({ ciphertext })).keyVersion).toBe(1)
    expect((await kms.encrypt({ key: 'k', plaintext: 'x' })).keyVersion).toBe(2)
    expect((await kms.generateDataKey({ key: 'k' })).keyVersion).toBe(2)
    expect((await kms.reEncrypt({ ciphertext })).keyVersion).toBe(2)
  })

  test('C48 opens exactly while less time than it has passed, at every length', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 400 }), fc.integer({ min: -2, max: 2 }), async (days, off) => {
        const { kms, clock } = await makeWorld()
        await kms.keys.create({ name: 'k', spec: 'AES_256', gracePeriodDays: days })
        const ciphertext = await sealed(kms, 'k')
        await kms.keys.rotate({ key: 'k' })
        clock.advance(days * day + off)
        expect(await outcomeOf(kms.decrypt({ ciphertext }))).toBe(off < 0 ? 'ok' : 'INVALID_KEY_STATE')
      }),
      { numRuns: 20 },
    )
  })
})

test.each([NaN, Infinity, -1, 0.5, 36_501, '7', 7n])('C48 a grace period of %s is refused', async (value) => {
  const { kms } = await makeWorld()
  const days = { gracePeriodDays: value as number }
  await expectCode(kms.keys.create({ spec: 'AES_256', ...days }), 'INVALID_REQUEST')
  const { id } = await kms.keys.create({ spec: 'AES_256' })
  await expectCode(kms.keys.update({ key: id!, ...days }), 'INVALID_REQUEST')
})

test('C48 dates are of this realm, and times', async () => {
  const { kms, clock } = await makeWorld()
  await kms.keys.create({ name: 'k', spec: 'AES_256' })
  const grant = { principal: 'p', key: 'k', operations: ['encrypt'] as const }
  const foreign = runInNewContext('new Date(8e15)') as Date
  const outcome = await outcomeOf(kms.grants.create({ ...grant, expiresAt: foreign }))
  expect(['ok', 'INVALID_REQUEST']).toContain(outcome)
  for (const expiresAt of [new Date(NaN), '2030-01-01', clock.now() + day, null] as unknown as Date[]) {
    await expectCode(kms.grants.create({ ...grant, expiresAt }), 'INVALID_REQUEST')
  }
  const last = new Date(8.64e15)
  expect((await kms.grants.create({ ...grant, expiresAt: last })).expiresAt).toEqual(last)
})
