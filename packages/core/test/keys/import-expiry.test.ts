import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { bring, enabled, material, pending } from '../support/imports.ts'
import { expectCode, outcomeOf } from '../support/kms.ts'
import { importOf, parameters } from '../support/wrapped-material.ts'

describe('material that expires', () => {
  test('C48 is used until the millisecond before, and not from then on, in any process', async () => {
    const world = await enabled(5000)
    const { kms, clock } = world
    const other = await world.again()
    const { ciphertext } = await kms.encrypt({ key: 'k', plaintext: 'x' })
    expect(await outcomeOf(other.decrypt({ ciphertext }))).toBe('ok')
    expect((await kms.keys.get({ key: 'k' })).materialExpiresAt).toEqual(new Date(clock.now() + 5000))
    for (const [step, expected, state] of [
      [4999, 'ok', 'Enabled'],
      [1, 'INVALID_KEY_STATE', 'PendingImport'],
      [1, 'INVALID_KEY_STATE', 'PendingImport'],
    ] as const) {
      clock.advance(step)
      for (const client of [kms, other]) {
        expect(await outcomeOf(client.encrypt({ key: 'k', plaintext: 'x' }))).toBe(expected)
        expect(await outcomeOf(client.decrypt({ ciphertext }))).toBe(expected)
        expect((await client.keys.get({ key: 'k' })).state).toBe(state)
        expect((await client.keys.list()).items.map((key) => key.state)).toEqual([state])
      }
    }
    await expectCode(bring(world, randomBytes(32)), 'CONFLICT')
    await bring(world, material)
    expect(await outcomeOf(other.decrypt({ ciphertext }))).toBe('ok')
    expect((await other.keys.get({ key: 'k' })).materialExpiresAt).toBeUndefined()
  })

  test('C48 ends between an operation and its record: then the operation fails', async () => {
    const world = await enabled(1000)
    const { kms, clock, db } = world
    await kms.encrypt({ key: 'k', plaintext: 'x' })
    const before = await db.size()
    const late = kms.encrypt({ key: 'k', plaintext: 'x' })
    clock.advance(1000)
    expect(await outcomeOf(late)).toBe('INVALID_KEY_STATE')
    expect((await db.records('default', before)).map(({ status }) => status)).toEqual(['FAILURE'])
  })

  test('C48 cannot have expired already, nor at a time that is none', async () => {
    const { kms, clock } = await pending()
    const request = importOf('k', material, await parameters(kms, 'k'))
    const bad = [clock.now(), clock.now() - 1, NaN, Infinity, 8.64e15 + 1].map((ms) => new Date(ms))
    for (const expiresAt of [...bad, clock.now() + 1000, '2030-01-01', null]) {
      const asked = { ...request, expiresAt } as never
      expect([String(expiresAt), await outcomeOf(kms.keys.importKeyMaterial(asked))]).toEqual([
        String(expiresAt),
        'INVALID_REQUEST',
      ])
    }
    const expiresAt = new Date(clock.now() + 1)
    expect(await outcomeOf(kms.keys.importKeyMaterial({ ...request, expiresAt }))).toBe('ok')
    clock.advance(1)
    expect((await kms.keys.get({ key: 'k' })).state).toBe('PendingImport')
  })

  test('C44 brings nothing to life that was disabled', async () => {
    const world = await enabled(1000)
    const { kms, clock } = world
    const request = importOf('k', material, await parameters(kms, 'k'))
    await kms.keys.disable({ key: 'k' })
    clock.advance(1000)
    await expectCode(kms.keys.importKeyMaterial(request), 'INVALID_KEY_STATE')
    await expectCode(kms.keys.deleteImportedKeyMaterial({ key: 'k' }), 'INVALID_KEY_STATE')
    await kms.keys.enable({ key: 'k' })
    await expectCode(kms.encrypt({ key: 'k', plaintext: 'x' }), 'INVALID_KEY_STATE')
    expect((await kms.keys.get({ key: 'k' })).state).toBe('PendingImport')
    expect(await outcomeOf(kms.keys.importKeyMaterial(request))).toBe('ok')
  })

  test('C44 of a deletion that is called off waits again, where it waited before', async () => {
    const { kms } = await pending()
    await kms.keys.scheduleDeletion({ key: 'k' })
    await expectCode(parameters(kms, 'k'), 'INVALID_KEY_STATE')
    expect((await kms.keys.cancelDeletion({ key: 'k' })).state).toBe('PendingImport')
    await expectCode(kms.keys.enable({ key: 'k' }), 'INVALID_KEY_STATE')
  })
})
