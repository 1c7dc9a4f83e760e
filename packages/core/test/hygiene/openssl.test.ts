import * as crypto from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { makeWorld, settle } from '../support/kms.ts'
import { makeTarget } from '../support/verbs.ts'

/** Leaves errors in OpenSSL's queue, as other code in the process may. */
function fail(): number {
  const attempts = [
    () => crypto.createPrivateKey('-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----'),
    () => crypto.createPublicKey(Buffer.from('junk')),
    () => crypto.createDecipheriv('aes-128-cbc', Buffer.alloc(16), Buffer.alloc(16)).final(),
    () => new crypto.X509Certificate(Buffer.from('junk')),
    () => crypto.verify('sha256', Buffer.alloc(1), 'junk', Buffer.alloc(1)),
    () => crypto.createCipheriv('aes-256-gcm', Buffer.alloc(31), Buffer.alloc(12)),
  ]
  return attempts.filter((attempt) => {
    try {
      attempt()
      return false
    } catch {
      return true
    }
  }).length
}

describe('the error queue of OpenSSL', () => {
  test('I125 as others leave it disturbs nothing', async () => {
    const { kms } = await makeWorld()
    const { message, dataKey } = await makeTarget(kms, 'k')
    const work = [
      async () => kms.encrypt({ key: 'k', plaintext: 'x' }),
      async () => kms.decrypt({ ciphertext: message }),
      async () => kms.reEncrypt({ ciphertext: message }),
      async () => kms.decryptDataKey({ ciphertext: dataKey }),
      async () => kms.keys.rotate({ key: 'k' }),
      async () => kms.audit.verify(),
      async () => kms.tenants.ensure('blue'),
    ]
    for (const step of work) {
      expect(fail()).toBeGreaterThanOrEqual(5)
      expect(await settle(step())).not.toBeInstanceOf(Error)
    }
  })

  test('I125 as we leave it disturbs nobody: a message that does not open, then good work', async () => {
    const { kms } = await makeWorld()
    const { message } = await makeTarget(kms, 'k')
    const flipped = Buffer.from(message)
    flipped[flipped.length - 1]! ^= 1
    for (let round = 0; round < 5; round++) {
      expect(await settle(kms.decrypt({ ciphertext: flipped }))).toMatchObject({ code: 'INVALID_CIPHERTEXT' })
      const key = crypto.generateKeyPairSync('ed25519')
      const signature = crypto.sign(null, Buffer.from('x'), key.privateKey)
      expect(crypto.verify(null, Buffer.from('x'), key.publicKey, signature)).toBe(true)
      const cipher = crypto.createCipheriv('aes-256-gcm', Buffer.alloc(32), Buffer.alloc(12))
      expect(cipher.update('x', 'utf8').length + cipher.final().length).toBe(1)
      expect((await kms.decrypt({ ciphertext: message })).plaintext.toString()).toBe('1')
    }
  })

  test('I125 makes no later message fail among many', async () => {
    const { kms } = await makeWorld()
    const { message } = await makeTarget(kms, 'k')
    const flipped = Buffer.from(message)
    flipped[90]! ^= 1
    const items = Array.from({ length: 50 }, (_, at) => ({ ciphertext: at % 2 === 0 ? flipped : message }))
    const result = await kms.decryptMany({ items })
    expect(result.items.map(({ ok }) => ok)).toEqual(items.map((_, at) => at % 2 === 1))
  })
})
