import { describe, expect, test } from 'vitest'
import { day, expectCode, makeWorld, outcomeOf } from '../support/kms.ts'
import { kinds, make, nameOf, type Kind } from './kinds.ts'

const world = await makeWorld()
const { kms, clock } = world
let made = 0

/** A key of this kind with two versions, and something that the first one made. */
async function rotated(kind: Kind): Promise<{ key: string; old: Buffer }> {
  const key = `k${made++}`
  await make(kms, kind, key)
  const { made: old } = await kind.protect(kms, key)
  await kms.keys.rotate({ key })
  return { key, old }
}

const refused = async (work: Promise<unknown>): Promise<void> => void (await expectCode(work, 'INVALID_KEY_STATE'))

describe.each(kinds.map((kind) => [nameOf(kind), kind] as const))('after a rotation, a key of %s', (_, kind) => {
  test('S0-10 protects with its new version, and processes with the old one when it is named', async () => {
    const { key, old } = await rotated(kind)
    const now = await kind.protect(kms, key)
    expect(now.keyVersion).toBe(2)
    expect(await kind.process(kms, { key, made: now.made })).toEqual({ right: true, keyVersion: 2 })
    expect(await kind.process(kms, { key, made: old, keyVersion: 1 })).toEqual({ right: true, keyVersion: 1 })
    await expectCode(
      kind.process(kms, { key, made: old, keyVersion: 3 }),
      kind.usage === 'ENCRYPT_DECRYPT' ? 'INVALID_CIPHERTEXT' : 'KEY_NOT_FOUND',
    )
  })

  test('C43 does not take what one version made for another’s', async () => {
    const { key, old } = await rotated(kind)
    const now = await kind.protect(kms, key)
    for (const wrong of [
      { key, made: old },
      { key, made: now.made, keyVersion: 1 },
    ]) {
      const outcome = await kind.process(kms, wrong).catch((error: { code: string }) => error.code)
      if (typeof outcome === 'string') expect(outcome).toBe('INVALID_CIPHERTEXT')
      else expect(outcome.right).toBe(false)
    }
  })

  test('C48 processes with its old version until the grace is over, and not after', async () => {
    const { key, old } = await rotated(kind)
    const graced = `k${made++}`
    await make(kms, kind, graced)
    await kms.keys.update({ key: graced, gracePeriodDays: 7 })
    const { made: early } = await kind.protect(kms, graced)
    await kms.keys.rotate({ key: graced })
    clock.advance(7 * day - 1)
    expect((await kind.process(kms, { key: graced, made: early, keyVersion: 1 })).right).toBe(true)
    clock.advance(1)
    await refused(kind.process(kms, { key: graced, made: early, keyVersion: 1 }))
    expect((await kind.process(kms, { key, made: old, keyVersion: 1 })).right).toBe(true)
  })

  test('C43 does nothing with a version that was revoked or disabled, or is below minDecryptVersion', async () => {
    const { key, old } = await rotated(kind)
    const first = { key, made: old, keyVersion: 1 }
    await kms.keys.disable({ key, version: 1 })
    await refused(kind.process(kms, first))
    await kms.keys.enable({ key, version: 1 })
    expect((await kind.process(kms, first)).right).toBe(true)
    await kms.keys.update({ key, minDecryptVersion: 2 })
    await refused(kind.process(kms, first))
    await kms.keys.update({ key, minDecryptVersion: 1 })
    await kms.keys.revoke({ key, version: 1, reason: 'leaked' })
    await refused(kind.process(kms, first))
    expect((await kind.protect(kms, key)).keyVersion).toBe(2)
  })

  test('C43 protects and processes nothing while disabled, revoked or awaiting deletion', async () => {
    const { key, old } = await rotated(kind)
    const nothing = async (): Promise<void> => {
      await refused(kind.protect(kms, key))
      await refused(kind.process(kms, { key, made: old, keyVersion: 1 }))
      await refused(kms.keys.rotate({ key }))
    }
    await kms.keys.disable({ key })
    await nothing()
    await kms.keys.enable({ key })
    expect((await kind.process(kms, { key, made: old, keyVersion: 1 })).right).toBe(true)
    await kms.keys.scheduleDeletion({ key })
    await nothing()
    await kms.keys.cancelDeletion({ key })
    await kms.keys.enable({ key })
    await kms.keys.revoke({ key, reason: 'leaked' })
    await nothing()
  })

  test('C43 shows the public half of every version in whatever state, if it has one', async () => {
    const { key } = await rotated(kind)
    if (kind.usage === 'GENERATE_VERIFY_MAC') {
      await expectCode(kms.getPublicKey({ key }), 'INVALID_KEY_USAGE')
      return
    }
    const both = [await kms.getPublicKey({ key, keyVersion: 1 }), await kms.getPublicKey({ key })]
    expect(both.map(({ keyVersion }) => keyVersion)).toEqual([1, 2])
    expect(both[0]?.publicKey).not.toEqual(both[1]?.publicKey)
    const same = async (): Promise<void> => {
      expect(await kms.getPublicKey({ key, keyVersion: 1 })).toEqual(both[0])
      expect(await kms.getPublicKey({ key, keyVersion: 2 })).toEqual(both[1])
    }
    await kms.keys.revoke({ key, version: 1, reason: 'leaked' })
    await same()
    await kms.keys.disable({ key })
    await same()
    await kms.keys.scheduleDeletion({ key })
    await same()
    await kms.keys.cancelDeletion({ key })
    await kms.keys.revoke({ key, reason: 'leaked' })
    await same()
    expect(await outcomeOf(kms.getPublicKey({ key, keyVersion: 3 }))).toBe('KEY_NOT_FOUND')
  })

  test('S0-12 works the same in another process, which sees each version as it comes', async () => {
    const { key, old } = await rotated(kind)
    const elsewhere = await world.again()
    expect((await kind.process(elsewhere, { key, made: old, keyVersion: 1 })).right).toBe(true)
    await elsewhere.keys.rotate({ key })
    expect((await kind.protect(kms, key)).keyVersion).toBe(3)
    await kms.keys.revoke({ key, version: 1, reason: 'leaked' })
    await refused(kind.process(elsewhere, { key, made: old, keyVersion: 1 }))
    await kms.keys.disable({ key })
    await refused(kind.protect(elsewhere, key))
    await elsewhere.close()
  })
})
