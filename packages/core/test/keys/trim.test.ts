import { describe, expect, test } from 'vitest'
import { generateKeyPairSync } from 'node:crypto'
import { day, expectCode, makeWorld, outcomeOf, recordOf, type World } from '../support/kms.ts'

async function worldWithVersions(count: number): Promise<World & { readonly messages: readonly Buffer[] }> {
  const world = await makeWorld()
  const { kms } = world
  await kms.keys.create({ name: 'k', spec: 'AES_256' })
  const messages: Buffer[] = []
  for (let version = 1; version <= count; version++) {
    messages.push((await kms.encrypt({ key: 'k', plaintext: `of ${version}` })).ciphertext)
    if (version < count) await kms.keys.rotate({ key: 'k' })
  }
  return { ...world, messages }
}

describe('trimming a key', () => {
  test('C43 destroys what is below minDecryptVersion, retired or revoked, and nothing else', async () => {
    const world = await worldWithVersions(5)
    const { kms, clock, db, messages } = world
    await kms.keys.revoke({ key: 'k', version: 2, reason: 'leaked' })
    await kms.keys.disable({ key: 'k', version: 3 })
    clock.advance(7 * day)
    expect(await kms.keys.trim({ key: 'k' })).toEqual({ destroyed: [], more: false })
    await kms.keys.update({ key: 'k', minDecryptVersion: 4 })
    const record = await recordOf(world, async () => {
      expect(await kms.keys.trim({ key: 'k' })).toEqual({ destroyed: [1, 2], more: false })
    })
    expect(record).toMatchObject({ action: 'trimKey', details: { first: 1, last: 2, destroyed: 2 } })
    const states = (await kms.keys.listVersions({ key: 'k' })).items.map(({ state }) => state)
    expect(states).toEqual(['destroyed', 'destroyed', 'disabled', 'retired', 'current'])
    const rows = await db.rows('versions')
    expect(rows.map(({ material }) => material === null)).toEqual([true, true, false, false, false])
    for (const message of messages.slice(0, 3))
      await expectCode(kms.decrypt({ ciphertext: message }), 'INVALID_KEY_STATE')
    for (const message of messages.slice(3)) await kms.decrypt({ ciphertext: message })
  })

  test('H115 is done once under a name: asked again, it destroys nothing, and says whether there is more', async () => {
    const { kms, clock } = await worldWithVersions(27)
    clock.advance(7 * day)
    await kms.keys.update({ key: 'k', minDecryptVersion: 26 })
    const first = await kms.keys.trim({ key: 'k' }, { idempotencyKey: 'a' })
    expect(first).toMatchObject({ destroyed: { length: 24 }, more: true })
    expect(await kms.keys.trim({ key: 'k' }, { idempotencyKey: 'a' })).toEqual({ destroyed: [], more: true })
    expect(await kms.keys.trim({ key: 'k' }, { idempotencyKey: 'b' })).toEqual({ destroyed: [25], more: false })
    expect(await kms.keys.trim({ key: 'k' }, { idempotencyKey: 'a' })).toEqual({ destroyed: [], more: false })
  })

  test('C44 destroyed versions stay so: nothing enables, revokes, or opens them, whoever allows it', async () => {
    const { kms, clock, messages } = await worldWithVersions(2)
    clock.advance(7 * day)
    await kms.keys.update({ key: 'k', minDecryptVersion: 2 })
    await kms.keys.trim({ key: 'k' })
    await kms.keys.update({ key: 'k', minDecryptVersion: 1 })
    await expectCode(kms.keys.enable({ key: 'k', version: 1 }), 'INVALID_KEY_STATE')
    await expectCode(kms.keys.disable({ key: 'k', version: 1 }), 'INVALID_KEY_STATE')
    await expectCode(kms.keys.revoke({ key: 'k', version: 1, reason: 'r' }), 'INVALID_KEY_STATE')
    const [ciphertext] = messages
    await expectCode(kms.decrypt({ ciphertext: ciphertext! }), 'INVALID_KEY_STATE')
    const rescue = { ciphertext: ciphertext!, allowRevoked: true, reason: 'moved' } as const
    await expectCode(kms.decrypt(rescue), 'INVALID_KEY_STATE')
    expect(await kms.keys.trim({ key: 'k' })).toEqual({ destroyed: [], more: false })
  })

  test.each([
    [-1, []],
    [0, [1]],
    [1, [1]],
  ])('C48 C50 leaves alone what went out of use less than 7 days ago, %d ms from it', async (off, destroyed) => {
    const { kms, clock } = await worldWithVersions(2)
    await kms.keys.update({ key: 'k', minDecryptVersion: 2 })
    clock.advance(7 * day + off)
    expect((await kms.keys.trim({ key: 'k' })).destroyed).toEqual(destroyed)
  })

  test('destroys 24 versions at a time, and says when there are more', async () => {
    const { kms, clock } = await worldWithVersions(54)
    clock.advance(7 * day)
    await kms.keys.update({ key: 'k', minDecryptVersion: 53 })
    expect(await kms.keys.trim({ key: 'k' })).toMatchObject({ destroyed: { length: 24 }, more: true })
    expect(await kms.keys.trim({ key: 'k' })).toMatchObject({ destroyed: { length: 24 }, more: true })
    expect(await kms.keys.trim({ key: 'k' })).toEqual({ destroyed: [49, 50, 51, 52], more: false })
  })

  test('C51 leaves no public key and no fingerprint of imported material behind', async () => {
    const { kms, clock, db } = await makeWorld()
    const pem = (): string =>
      generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' }) as string
    const material = () => ({ format: 'pkcs8', bytes: pem() }) as const
    const spec = 'ECC_NIST_EDWARDS25519'
    await kms.keys.create({ name: 'k', spec, origin: 'EXTERNAL', material: material() })
    await kms.keys.rotate({ key: 'k', material: material() })
    clock.advance(7 * day)
    await kms.keys.update({ key: 'k', minDecryptVersion: 2 })
    await kms.keys.trim({ key: 'k' })
    const [first] = await db.rows('versions')
    expect(first).toMatchObject({ state: 'destroyed', material: null, publicKey: null })
    expect(await outcomeOf(kms.getPublicKey({ key: 'k', keyVersion: 1 }))).toBe('INVALID_KEY_STATE')
  })

  test('D61 takes a permission of its own, and a key that can be managed', async () => {
    const { kms, clock } = await worldWithVersions(2)
    clock.advance(7 * day)
    await kms.grants.create({ principal: 'app', key: 'k', operations: ['updateKey', 'scheduleKeyDeletion'] })
    await kms.as('app').keys.update({ key: 'k', minDecryptVersion: 2 })
    await expectCode(kms.as('app').keys.trim({ key: 'k' }), 'ACCESS_DENIED')
    await kms.grants.create({ principal: 'app', key: 'k', operations: ['trimKey'] })
    await kms.keys.revoke({ key: 'k', reason: 'leaked' })
    await expectCode(kms.as('app').keys.trim({ key: 'k' }), 'INVALID_KEY_STATE')
  })
})
