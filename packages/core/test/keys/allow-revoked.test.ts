import { describe, expect, test } from 'vitest'
import type { DecryptRequest, Kms, KmsClient } from '../../src/index.ts'
import { actor, day, expectCode, makeWorld, recordOf, recordsOf } from '../support/kms.ts'
import { makeSubject } from '../support/state-world.ts'

const rescue = { allowRevoked: true, reason: 'moving away from a leaked key' }

async function world() {
  const made = await makeWorld()
  const { kms } = made
  const subject = await makeSubject(kms, 'k')
  await kms.keys.create({ name: 'healthy', spec: 'AES_256' })
  return { ...made, ...subject }
}

async function revoke(kms: Kms, key: string): Promise<void> {
  await kms.keys.revoke({ key, reason: 'leaked' })
}

describe('getting data away from a revoked key', () => {
  test('is for an admin who says why, and the reason is recorded', async () => {
    const made = await world()
    const { kms, key, messages, dataKeys } = made
    await revoke(kms, key)
    for (const [at, ciphertext] of messages.entries()) {
      const record = await recordOf(made, () => kms.decrypt({ ciphertext, ...rescue }))
      const details = { allowRevoked: true, why: rescue.reason }
      expect(record).toMatchObject({ action: 'decrypt', status: 'SUCCESS', keyVersion: at + 1, details })
    }
    const [ciphertext] = messages
    expect((await kms.decrypt({ ciphertext, ...rescue })).plaintext.toString()).toBe('first')
    const moved = await kms.reEncrypt({ ciphertext, key: 'healthy', ...rescue })
    expect((await kms.decrypt({ ciphertext: moved.ciphertext })).plaintext.toString()).toBe('first')
    expect((await kms.decryptDataKey({ ciphertext: dataKeys[0], ...rescue })).plaintext).toHaveLength(32)
    const { items } = await kms.decryptMany({ items: [{ ciphertext, ...rescue }, { ciphertext }] })
    expect(items).toMatchObject([{ ok: true }, { ok: false, error: { code: 'INVALID_KEY_STATE' } }])
  })

  test('works for a revoked version of a key that lives, and of one that is Disabled', async () => {
    const { kms, key, messages } = await world()
    const [ciphertext] = messages
    await kms.keys.revoke({ key, version: 1, reason: 'leaked' })
    await expectCode(kms.decrypt({ ciphertext }), 'INVALID_KEY_STATE')
    expect((await kms.decrypt({ ciphertext, ...rescue })).keyVersion).toBe(1)
    await kms.keys.disable({ key })
    expect((await kms.decrypt({ ciphertext, ...rescue })).keyVersion).toBe(1)
  })

  test('lets nothing else pass: not what is disabled, pending deletion, out of grace, or too old', async () => {
    const { kms, key, messages, clock } = await world()
    const [ciphertext] = messages
    const refused = async (): Promise<unknown> =>
      expectCode(kms.decrypt({ ciphertext, ...rescue }), 'INVALID_KEY_STATE')
    await kms.keys.disable({ key, version: 1 })
    await refused()
    await kms.keys.enable({ key, version: 1 })
    await kms.keys.update({ key, minDecryptVersion: 2 })
    await refused()
    await kms.keys.update({ key, minDecryptVersion: 1 })
    await kms.keys.disable({ key })
    await refused()
    await kms.keys.enable({ key })
    expect((await kms.decrypt({ ciphertext, ...rescue })).keyVersion).toBe(1)
    await kms.keys.revoke({ key, version: 1, reason: 'leaked' })
    await kms.keys.scheduleDeletion({ key })
    await refused()
    clock.advance(31 * day)
    await refused()
  })

  test('never lets anything protect under the revoked key', async () => {
    const { kms, key, messages } = await world()
    await revoke(kms, key)
    await expectCode(kms.reEncrypt({ ciphertext: messages[0], ...rescue }), 'INVALID_KEY_STATE')
    const request = { key, plaintext: 'x', ...rescue }
    await expectCode(kms.encrypt(request as never), 'INVALID_REQUEST')
  })

  test('does not open a disabled version of a revoked key, nor one that does not exist', async () => {
    const { kms, key, messages } = await world()
    await kms.keys.disable({ key, version: 1 })
    await revoke(kms, key)
    await expectCode(kms.decrypt({ ciphertext: messages[0], ...rescue }), 'INVALID_KEY_STATE')
    const unknown = Buffer.from(messages[0])
    unknown.writeUInt32BE(77, 20)
    await expectCode(kms.decrypt({ ciphertext: unknown, ...rescue }), 'INVALID_CIPHERTEXT')
  })
})

describe('asking for it without the right', () => {
  const cases: readonly [string, (kms: Kms) => KmsClient, Omit<DecryptRequest, 'ciphertext'>][] = [
    ['a service with every grant', (kms) => actor(kms, 'greedy'), rescue],
    ['an auditor', (kms) => actor(kms, 'eve', 'auditor'), rescue],
    ['an admin without a reason', (kms) => kms, { allowRevoked: true }],
  ]

  test.each(cases)('D61 is refused to %s, and recorded', async (_, who, how) => {
    const made = await world()
    const { kms, key, messages } = made
    const operations = ['decrypt', 'reEncryptFrom', 'reEncryptTo', 'decryptDataKey'] as const
    await kms.grants.create({ principal: 'greedy', key: '*', operations })
    await revoke(kms, key)
    const [record, ...others] = await recordsOf(made, async () => {
      const error = await expectCode(who(kms).decrypt({ ciphertext: messages[0], ...how }), 'ACCESS_DENIED')
      expect(error.message).toBe('only an admin gets data away from a revoked key, and says why')
    })
    expect(others).toEqual([])
    expect(record).toMatchObject({
      action: 'decrypt',
      status: 'DENIED',
      code: 'ACCESS_DENIED',
      reason: 'allowRevoked without being admin, or without a reason',
    })
    await expectCode(who(kms).reEncrypt({ ciphertext: messages[0], key: 'healthy', ...how }), 'ACCESS_DENIED')
  })

  test('D61 with allowRevoked false is as if it were not there', async () => {
    const { kms, key, messages } = await world()
    await kms.grants.create({ principal: 'reader', key, operations: ['decrypt'] })
    const reader = kms.as('reader')
    const request = { ciphertext: messages[0], allowRevoked: false, reason: 'none' }
    expect((await reader.decrypt(request)).keyVersion).toBe(1)
    await revoke(kms, key)
    await expectCode(reader.decrypt(request), 'INVALID_KEY_STATE')
  })
})
