import { afterEach, describe, expect, it } from 'vitest'
import type { Kms } from '../../src/index.ts'

const context = { a: 'b' }
const polluted = new Set<string>()

/** Gives every object of this process a property more. */
function pollute(name: string, value: unknown): void {
  polluted.add(name)
  Object.defineProperty(Object.prototype, name, {
    __proto__: null,
    value,
    configurable: true,
    enumerable: true,
    writable: true,
  } as PropertyDescriptor)
}

function clean(): void {
  for (const name of polluted) Reflect.deleteProperty(Object.prototype, name)
  polluted.clear()
}

afterEach(clean)

/** Opens a KMS with two keys: one that is used, and one that was revoked. */
async function openHouse(): Promise<{ kms: Kms; revoked: Buffer; good: Buffer }> {
  const { openKms } = await import('../support/envelope-kms.ts')
  const kms = await openKms()
  const one = await kms.keys.create({ name: 'one', spec: 'AES_256' })
  const old = (await one.encrypt('old', { context })).ciphertext
  await one.rotate()
  const two = await kms.keys.create({ name: 'two', spec: 'AES_256' })
  const revoked = (await two.encrypt('revoked', { context })).ciphertext
  await kms.keys.revoke({ key: 'two', reason: 'a test' })
  return { kms, revoked, good: old }
}

const codeOf = async (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => 'done',
    (error: unknown) => (typeof error === 'object' && error !== null && 'code' in error ? error.code : error),
  )

const properties: readonly [name: string, value: unknown][] = [
  ['authTagLength', 4],
  ['envelope', 'wrapped'],
  ['context', { x: 'y' }],
  ['allowRevoked', true],
  ['version', 1],
  ['sealedBy', 'fedcba98-7654-4321-8fed-cba987654321'],
  ['missing', () => new Error('polluted')],
  ['suite', { code: 3, wrapped: true, opens: 'message' }],
  ['wrapped', true],
  ['role', 'admin'],
  ['reason', 'polluted'],
  ['requestId', 'polluted'],
  ['numberOfBytes', 1],
  ['newContext', { x: 'y' }],
  ['many', true],
  ['toJSON', () => 'polluted'],
  ['validUntil', 0],
  ['keyId', 'polluted'],
]

describe('a polluted Object.prototype', () => {
  it.each(properties)('I116 changes nothing: %s', async (name, value) => {
    const { kms, revoked, good } = await openHouse()
    pollute(name, value)
    const { ciphertext, keyVersion } = await kms.encrypt({ key: 'one', plaintext: 'plain' })
    const opened = (await kms.decrypt({ ciphertext })).plaintext.toString()
    const openedOld = (await kms.decrypt({ ciphertext: good, context })).plaintext.toString()
    const short = await codeOf(kms.decrypt({ ciphertext: ciphertext.subarray(0, -12) }))
    const underRevoked = await codeOf(kms.encrypt({ key: 'two', plaintext: 'plain' }))
    const fromRevoked = await codeOf(kms.decrypt({ ciphertext: revoked, context }))
    const dataKey = await kms.generateDataKey({ key: 'one' })
    const moved = await kms.reEncrypt({ ciphertext: good, context })
    const denied = await codeOf(kms.as('nobody').decrypt({ ciphertext }))
    clean()
    expect([ciphertext[3], ciphertext.length, keyVersion]).toEqual([0x01, 101, 2])
    expect([opened, openedOld, short]).toEqual(['plain', 'old', 'INVALID_CIPHERTEXT'])
    expect([underRevoked, fromRevoked, denied]).toEqual(['INVALID_KEY_STATE', 'INVALID_KEY_STATE', 'ACCESS_DENIED'])
    expect([dataKey.plaintext.length, moved.keyVersion, moved.ciphertext.length]).toEqual([32, 2, 99])
    expect((await kms.decrypt({ ciphertext: moved.ciphertext, context })).plaintext.toString()).toBe('old')
    const records = (await kms.audit.list({ action: 'encrypt' })).items
    expect(records.every(({ requestId, tenant }) => requestId === undefined && tenant === 'default')).toBe(true)
    expect(await kms.audit.verify()).toMatchObject({ ok: true })
    await kms.close()
  })

  it.each(properties)('I116 changes nothing for one of many either: %s', async (name, value) => {
    const { kms } = await openHouse()
    pollute(name, value)
    const call = kms.encryptMany({
      items: [
        { key: 'one', plaintext: 'plain' },
        { key: 'two', plaintext: 'plain' },
      ],
    })
    const outcome = await call.then(
      ({ items }) => items,
      (error: unknown) => error,
    )
    clean()
    expect(outcome).toMatchObject([
      { ok: true, keyVersion: 2 },
      { ok: false, error: { code: 'INVALID_KEY_STATE' } },
    ])
    const [item] = outcome as Awaited<typeof call>['items']
    const ciphertext = item?.ok === true ? item.ciphertext : Buffer.alloc(0)
    expect(ciphertext).toHaveLength(101)
    expect((await kms.decrypt({ ciphertext })).plaintext.toString()).toBe('plain')
    expect(await kms.audit.verify()).toMatchObject({ ok: true })
    await kms.close()
  })

  it('I116 from before the library was loaded changes nothing either', async () => {
    for (const [name, value] of properties) if (name !== 'toJSON') pollute(name, value)
    const { messageKey, sealSmall, openSmall } = await import(
      '../../src/crypto/chunked-encryption.ts?polluted' as '../../src/crypto/chunked-encryption.ts'
    )
    const { secretKey } = await import('../../src/crypto/secret-key.ts')
    const secret = secretKey(Buffer.alloc(32, 1))
    const sealed = sealSmall(secret, Buffer.from('c'), { salt: Buffer.alloc(24), plaintext: Buffer.from('plain') })
    const opened = openSmall(secret, Buffer.from('c'), sealed)
    const short = openSmall(secret, Buffer.from('c'), sealed.subarray(0, -12))
    const nonce = messageKey(secret, Buffer.alloc(24), Buffer.from('c')).nonce.length
    clean()
    expect([sealed.length, opened?.toString(), short, nonce]).toEqual([77, 'plain', undefined, 12])
  })
})
