import { describe, expect, test } from 'vitest'
import type { Kms } from '../../src/index.ts'
import { day, expectCode, makeWorld } from '../support/kms.ts'
import { makeSubject } from '../support/state-world.ts'

/** Two processes on one database. The second has everything in its caches when the first changes something. */
async function twoProcesses() {
  const world = await makeWorld()
  const { kms } = world
  const second = await world.again()
  const subject = await makeSubject(kms, 'k')
  const operations = ['encrypt', 'decrypt'] as const
  const { id } = await kms.grants.create({ principal: 'app', key: 'k', operations })
  const app = second.as('app')
  for (const ciphertext of subject.messages) await app.decrypt({ ciphertext })
  await app.encrypt({ key: 'k', plaintext: 'x' })
  return { ...world, ...subject, app, grant: id }
}

const changes: readonly (readonly [string, string, (kms: Kms, grant: string) => Promise<unknown>])[] = [
  ['the key is revoked', 'INVALID_KEY_STATE', async (kms) => kms.keys.revoke({ key: 'k', reason: 'leaked' })],
  ['the key is disabled', 'INVALID_KEY_STATE', async (kms) => kms.keys.disable({ key: 'k' })],
  ['its deletion is scheduled', 'INVALID_KEY_STATE', async (kms) => kms.keys.scheduleDeletion({ key: 'k' })],
  ['the version is disabled', 'INVALID_KEY_STATE', async (kms) => kms.keys.disable({ key: 'k', version: 1 })],
  [
    'the version is revoked',
    'INVALID_KEY_STATE',
    async (kms) => kms.keys.revoke({ key: 'k', version: 1, reason: 'leaked' }),
  ],
  ['minDecryptVersion rises', 'INVALID_KEY_STATE', async (kms) => kms.keys.update({ key: 'k', minDecryptVersion: 2 })],
  ['the grant is revoked', 'ACCESS_DENIED', async (kms, grant) => kms.grants.revoke({ grant })],
  ['the principal is deactivated', 'ACCESS_DENIED', async (kms) => kms.principals.deactivate({ principal: 'app' })],
]

describe('a process whose caches hold a key', () => {
  test.each(changes)('C55 no longer uses it once, in another process, %s', async (_, code, change) => {
    const { kms, app, messages, grant } = await twoProcesses()
    await change(kms, grant)
    await expectCode(app.decrypt({ ciphertext: messages[0] }), code as 'ACCESS_DENIED')
  })

  test('C55 uses it again once it is enabled again', async () => {
    const { kms, app, messages } = await twoProcesses()
    await kms.keys.disable({ key: 'k' })
    await expectCode(app.encrypt({ key: 'k', plaintext: 'x' }), 'INVALID_KEY_STATE')
    await kms.keys.enable({ key: 'k' })
    expect((await app.decrypt({ ciphertext: messages[0] })).plaintext.toString()).toBe('first')
  })

  test('C55 protects with the new version at once after a rotation elsewhere', async () => {
    const { kms, app } = await twoProcesses()
    await kms.keys.rotate({ key: 'k' })
    expect((await app.encrypt({ key: 'k', plaintext: 'x' })).keyVersion).toBe(3)
  })

  test('C55 sees a name that was not there a moment ago', async () => {
    const { kms, app } = await twoProcesses()
    await kms.grants.create({ principal: 'app', key: '*', operations: ['encrypt', 'describeKey'] })
    await expectCode(app.keys.get({ key: 'later' }), 'KEY_NOT_FOUND')
    await kms.keys.create({ name: 'later', spec: 'AES_256' })
    expect((await app.keys.get({ key: 'later' })).name).toBe('later')
  })

  test('C55 keeps versions, keys and kinds of ciphertext apart', async () => {
    const { kms, messages, dataKeys } = await twoProcesses()
    const second = await makeSubject(kms, 'other')
    const plaintexts: string[] = []
    for (const ciphertext of [...messages, ...second.messages, ...messages.toReversed()]) {
      plaintexts.push((await kms.decrypt({ ciphertext })).plaintext.toString())
    }
    expect(plaintexts).toEqual(['first', 'second', 'first', 'second', 'second', 'first'])
    const keys = await Promise.all(
      [...dataKeys, ...second.dataKeys].map(async (ciphertext) => kms.decryptDataKey({ ciphertext })),
    )
    expect(new Set(keys.map(({ plaintext }) => plaintext.toString('hex'))).size).toBe(4)
    await expectCode(kms.decrypt({ ciphertext: dataKeys[0] }), 'INVALID_CIPHERTEXT')
    await expectCode(kms.decryptDataKey({ ciphertext: messages[0] }), 'INVALID_CIPHERTEXT')
  })

  test('C55 keeps no authority by the clock: a jump forward ends it, a jump back gives it back', async () => {
    const { kms, clock, app, grant, messages } = await twoProcesses()
    await kms.grants.revoke({ grant })
    const expiresAt = new Date(clock.now() + day)
    await kms.grants.create({ principal: 'app', key: 'k', operations: ['decrypt'], expiresAt })
    const [ciphertext] = messages
    expect((await app.decrypt({ ciphertext })).keyVersion).toBe(1)
    clock.set(clock.now() + day)
    await expectCode(app.decrypt({ ciphertext }), 'ACCESS_DENIED')
    clock.set(clock.now() - day)
    expect((await app.decrypt({ ciphertext })).keyVersion).toBe(1)
  })
})

test('C55 a key that was changed a thousand times elsewhere is read anew', async () => {
  const { kms, app } = await twoProcesses()
  for (let round = 0; round < 11; round++) {
    const updates = Array.from({ length: 100 }, async (_, at) => kms.keys.update({ key: 'k', description: `${at}` }))
    await Promise.all(updates)
  }
  await kms.keys.disable({ key: 'k' })
  await expectCode(app.encrypt({ key: 'k', plaintext: 'x' }), 'INVALID_KEY_STATE')
})
