import { describe, expect, test } from 'vitest'
import { bring, material, pending } from '../support/imports.ts'
import { day, outcomeOf, type World } from '../support/kms.ts'

async function withEnd(): Promise<World> {
  const world = await pending()
  await world.kms.keys.update({ key: 'k', validUntil: new Date(world.clock.now() + 10 * day) })
  return world
}

async function wakeTimes({ db }: World): Promise<unknown[]> {
  return (await db.rows('due')).map(({ wakeAt }) => wakeAt)
}

describe('what is due to a key whose material is brought', () => {
  test('is written down by the import: before, there is nothing to end', async () => {
    const world = await withEnd()
    const { kms, clock } = world
    expect(await wakeTimes(world)).toEqual([])
    await bring(world, material)
    expect(await wakeTimes(world)).toEqual([clock.now() + 10 * day])
    clock.advance(10 * day)
    expect((await kms.scheduler.runDue()).done).toMatchObject([{ job: 'expireKey' }])
    expect((await kms.keys.get({ key: 'k' })).state).toBe('Disabled')
  })

  test('is taken away with the material', async () => {
    const world = await withEnd()
    await bring(world, material)
    await world.kms.keys.deleteImportedKeyMaterial({ key: 'k' })
    expect(await wakeTimes(world)).toEqual([])
    world.clock.advance(10 * day)
    expect(await world.kms.scheduler.runDue()).toMatchObject({ done: [], failed: [], more: false })
  })

  test('C51 its destruction leaves nothing of what was imported, fingerprints included', async () => {
    const world = await pending()
    const { kms, clock, db } = world
    await bring(world, material)
    const { ciphertext } = await kms.encrypt({ key: 'k', plaintext: 'x' })
    expect(await db.rows('imports')).toHaveLength(1)
    await kms.keys.scheduleDeletion({ key: 'k', pendingWindowInDays: 7 })
    clock.advance(7 * day)
    expect((await kms.scheduler.runDue()).done).toMatchObject([{ job: 'destroy' }])
    expect(await db.rows('imports')).toEqual([])
    expect(await db.rows('versions')).toMatchObject([{ material: null, publicKey: null, state: 'destroyed' }])
    expect(await outcomeOf(bring(world, material))).toBe('INVALID_KEY_STATE')
    expect(await outcomeOf(kms.decrypt({ ciphertext }))).toBe('INVALID_KEY_STATE')
    expect(await kms.audit.verify()).toMatchObject({ ok: true })
  })
})
