import { describe, expect, test } from 'vitest'
import type { Kms } from '../../src/index.ts'
import { day, expectCode, makeWorld, outcomeOf, recordOf, type World } from '../support/kms.ts'

async function worldWithKey(): Promise<World & { readonly ciphertext: Buffer }> {
  const world = await makeWorld()
  await world.kms.keys.create({ name: 'k', spec: 'AES_256' })
  return { ...world, ciphertext: (await world.kms.encrypt({ key: 'k', plaintext: 'x' })).ciphertext }
}

async function stateOf(kms: Kms): Promise<string> {
  return (await kms.keys.get({ key: 'k' })).state
}

describe('a scheduled deletion', () => {
  test('C50 waits 30 days unless said otherwise, and says when it is due', async () => {
    const { kms, clock } = await worldWithKey()
    const pending = await kms.keys.scheduleDeletion({ key: 'k', reason: 'not needed' })
    expect(pending.deletionDueAt).toEqual(new Date(clock.now() + 30 * day))
    expect(pending).toMatchObject({ state: 'PendingDeletion', stateReason: 'not needed', stateChangedBy: 'owner' })
  })

  test.each([7, 8, 29, 30])('C50 waits %d days where asked', async (pendingWindowInDays) => {
    const world = await worldWithKey()
    const { kms, clock } = world
    const record = await recordOf(world, () => kms.keys.scheduleDeletion({ key: 'k', pendingWindowInDays }))
    expect(record.details).toEqual({ pendingWindowInDays })
    const { deletionDueAt } = await kms.keys.get({ key: 'k' })
    expect(deletionDueAt).toEqual(new Date(clock.now() + pendingWindowInDays * day))
  })

  test.each([6, 31, 0, -7, 7.5, NaN, Infinity, '7', null])('C50 of %s days is refused', async (value) => {
    const { kms } = await worldWithKey()
    const request = { key: 'k', pendingWindowInDays: value as number }
    await expectCode(kms.keys.scheduleDeletion(request), 'INVALID_REQUEST')
    expect(await stateOf(kms)).toBe('Enabled')
  })

  test('C44 is not scheduled twice', async () => {
    const { kms, clock } = await worldWithKey()
    const { deletionDueAt } = await kms.keys.scheduleDeletion({ key: 'k', pendingWindowInDays: 7 })
    clock.advance(day)
    await expectCode(kms.keys.scheduleDeletion({ key: 'k' }), 'INVALID_KEY_STATE')
    expect((await kms.keys.get({ key: 'k' })).deletionDueAt).toEqual(deletionDueAt)
  })

  test.each([
    [-1, 'ok', 'Disabled'],
    [0, 'INVALID_KEY_STATE', 'PendingDeletion'],
    [1, 'INVALID_KEY_STATE', 'PendingDeletion'],
  ] as const)('C44 is called off %d ms from its time: %s', async (offset, outcome, state) => {
    const { kms, clock } = await worldWithKey()
    await kms.keys.scheduleDeletion({ key: 'k', pendingWindowInDays: 7 })
    clock.advance(7 * day + offset)
    expect(await outcomeOf(kms.keys.cancelDeletion({ key: 'k', reason: 'needed after all' }))).toBe(outcome)
    expect(await stateOf(kms)).toBe(state)
  })

  test('C44 that was called off leaves a disabled key, without a due date, that can be enabled', async () => {
    const { kms, ciphertext } = await worldWithKey()
    await kms.keys.scheduleDeletion({ key: 'k' })
    const cancelled = await kms.keys.cancelDeletion({ key: 'k', reason: 'needed after all' })
    expect(cancelled).toMatchObject({ state: 'Disabled', deletionDueAt: undefined, stateReason: 'needed after all' })
    await expectCode(kms.decrypt({ ciphertext }), 'INVALID_KEY_STATE')
    await kms.keys.enable({ key: 'k' })
    expect((await kms.decrypt({ ciphertext })).plaintext.toString()).toBe('x')
  })

  test('C44 is called off by cancelDeletion alone, and never once it is due', async () => {
    const { kms, clock } = await worldWithKey()
    await kms.keys.scheduleDeletion({ key: 'k', pendingWindowInDays: 7 })
    await expectCode(kms.keys.disable({ key: 'k' }), 'INVALID_KEY_STATE')
    await expectCode(kms.keys.enable({ key: 'k' }), 'INVALID_KEY_STATE')
    clock.advance(8 * day)
    for (const again of [kms.keys.disable({ key: 'k' }), kms.keys.cancelDeletion({ key: 'k' })]) {
      await expectCode(again, 'INVALID_KEY_STATE')
    }
    expect(await stateOf(kms)).toBe('PendingDeletion')
  })

  test('C44 takes its own permission to call off: managing a key does not include it', async () => {
    const { kms } = await worldWithKey()
    const manage = ['describeKey', 'updateKey', 'rotateKey', 'disableKey', 'enableKey', 'revokeKey'] as const
    await kms.grants.create({ principal: 'manager', key: 'k', operations: manage })
    await kms.keys.scheduleDeletion({ key: 'k' })
    const manager = kms.as('manager')
    await expectCode(manager.keys.cancelDeletion({ key: 'k' }), 'ACCESS_DENIED')
    await expectCode(manager.keys.scheduleDeletion({ key: 'k' }), 'ACCESS_DENIED')
    await expectCode(manager.keys.disable({ key: 'k' }), 'INVALID_KEY_STATE')
    expect(await stateOf(kms)).toBe('PendingDeletion')
  })

  test('C45 called off in the same instant twice: one wins', async () => {
    const { kms } = await worldWithKey()
    await kms.keys.scheduleDeletion({ key: 'k' })
    const both = [kms.keys.cancelDeletion({ key: 'k' }), kms.keys.cancelDeletion({ key: 'k' })]
    expect(await Promise.all(both.map(outcomeOf))).toEqual(['ok', 'INVALID_KEY_STATE'])
  })

  test('C49 is not early when the clock jumps forward and back: the key is kept, and can be called off', async () => {
    const { kms, clock, ciphertext } = await worldWithKey()
    const start = clock.now()
    await kms.keys.scheduleDeletion({ key: 'k', pendingWindowInDays: 7 })
    clock.set(start + 8 * day)
    await expectCode(kms.keys.cancelDeletion({ key: 'k' }), 'INVALID_KEY_STATE')
    clock.set(start - day)
    expect(await kms.keys.cancelDeletion({ key: 'k' })).toMatchObject({ state: 'Disabled' })
    await kms.keys.enable({ key: 'k' })
    expect((await kms.decrypt({ ciphertext })).plaintext.toString()).toBe('x')
  })
})

test('C44 a revoked key never protects again, not by way of a deletion that was called off either', async () => {
  const { kms, ciphertext } = await worldWithKey()
  await kms.keys.revoke({ key: 'k', reason: 'leaked' })
  await kms.keys.scheduleDeletion({ key: 'k' })
  await kms.keys.cancelDeletion({ key: 'k' })
  await expectCode(kms.keys.enable({ key: 'k' }), 'INVALID_KEY_STATE')
  await expectCode(kms.keys.rotate({ key: 'k' }), 'INVALID_KEY_STATE')
  await expectCode(kms.encrypt({ key: 'k', plaintext: 'x' }), 'INVALID_KEY_STATE')
  await expectCode(kms.decrypt({ ciphertext }), 'INVALID_KEY_STATE')
})

test('C49 a clock that is set back shows in the record of what it lets through', async () => {
  const world = await makeWorld()
  const { kms, clock } = world
  await kms.keys.create({ name: 'k', spec: 'AES_256', gracePeriodDays: 1 })
  const { ciphertext } = await kms.encrypt({ key: 'k', plaintext: 'x' })
  await kms.keys.rotate({ key: 'k' })
  clock.advance(2 * day)
  await expectCode(kms.decrypt({ ciphertext }), 'INVALID_KEY_STATE')
  clock.set(clock.now() - 2 * day)
  const record = await recordOf(world, () => kms.decrypt({ ciphertext }))
  expect(record).toMatchObject({ status: 'SUCCESS', clockSkewMs: 2 * day })
})
