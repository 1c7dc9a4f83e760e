import { describe, expect, test } from 'vitest'
import { AgreementKey, EncapsulationKey, EncryptionKey, KeyHandle, MacKey, SigningKey } from '../../src/index.ts'
import type { KeyUsage } from '../../src/index.ts'
import { expectCode, makeWorld, recordOf, recordsOf } from '../support/kms.ts'
import { makeTarget } from '../support/verbs.ts'

async function world() {
  const made = await makeWorld()
  return { ...made, ...(await makeTarget(made.kms, 'k')) }
}

describe('kms.key', () => {
  test('gives a handle at once, without asking anything of the storage', async () => {
    let calls = 0
    const { kms } = await makeWorld({}, () => void calls++)
    await kms.keys.create({ name: 'k', spec: 'AES_256' })
    const before = calls
    const handle = kms.key('k')
    expect(handle).toBeInstanceOf(KeyHandle)
    expect(kms.key('no-such-key')).toBeInstanceOf(KeyHandle)
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => void setImmediate(resolve))
    expect(calls).toBe(before)
  })

  test('knows of a key what the caller called it', async () => {
    const { kms, id } = await world()
    const usage = 'ENCRYPT_DECRYPT'
    expect(Object.assign({}, kms.key('k'))).toEqual({ name: 'k', usage, id: undefined, spec: undefined })
    expect(Object.assign({}, kms.key(id))).toEqual({ name: undefined, usage, id, spec: undefined })
    expect(Object.assign({}, kms.key('k', usage))).toEqual(Object.assign({}, kms.key('k')))
  })

  test.each(['', 'a b', '*', 'x'.repeat(257), 1, null, undefined, {}])(
    'takes no reference that is %o',
    async (reference) => {
      const { kms } = await world()
      expect(() => kms.key(reference as string)).toThrow(
        expect.objectContaining({ code: 'INVALID_REQUEST', message: 'a key is named by its id or name' }),
      )
    },
  )

  test.each(['SIGN', 'encrypt_decrypt', '', '__proto__', null, {}])('takes no usage %o', async (usage) => {
    const { kms } = await world()
    expect(() => kms.key('k', usage as KeyUsage)).toThrow(
      expect.objectContaining({ code: 'INVALID_REQUEST', message: 'there is no such key usage' }),
    )
  })
})

describe('a handle', () => {
  test('shows at its first use that its key does not exist, or may not be seen', async () => {
    const { kms } = await world()
    await expectCode(kms.key('none').encrypt('x'), 'KEY_NOT_FOUND')
    await expectCode(kms.key('00000000-0000-4000-8000-000000000000').encrypt('x'), 'KEY_NOT_FOUND')
    await expectCode(kms.as('nobody').key('k').encrypt('x'), 'ACCESS_DENIED')
    await expectCode(kms.as('nobody').key('none').encrypt('x'), 'ACCESS_DENIED')
  })

  test('does every verb of its usage, and the way round to it', async () => {
    const { kms, id } = await world()
    for (const handle of [kms.key('k'), kms.key(id)]) {
      const context = { a: 'b' }
      const { ciphertext } = await handle.encrypt('text', { context, envelope: 'wrapped' })
      expect(ciphertext[3]).toBe(2)
      expect((await handle.decrypt(ciphertext, { context })).plaintext.toString()).toBe('text')
      expect(await handle.decryptText(ciphertext.toString('base64url'), { context })).toBe('text')
      expect(await handle.decryptJson(await handle.encryptJson({ a: 1 }, { context }), { context })).toEqual({ a: 1 })
      const many = await handle.encryptMany([{ plaintext: 'x', context, reference: 'r' }])
      const [item] = many.items
      expect(item).toMatchObject({ ok: true, reference: 'r', keyId: id })
      const back = await handle.decryptMany([{ ciphertext: item?.ok === true ? item.ciphertext : '', context }])
      expect(back.items).toMatchObject([{ ok: true, plaintext: Buffer.from('x') }])
      const dataKey = await handle.generateDataKey({ spec: 'AES_128', context })
      expect((await handle.decryptDataKey(dataKey.ciphertext, { context })).plaintext).toEqual(dataKey.plaintext)
      expect((await handle.generateDataKey()).plaintext).toHaveLength(32)
      const pair = await handle.generateDataKeyPair({ spec: 'X25519', context })
      expect((await handle.decryptDataKey(pair.ciphertext, { context })).plaintext).toEqual(pair.plaintext)
      const { lent, ciphertext: kept } = await handle.withDataKey({ context }, ({ plaintext, ciphertext }) => ({
        lent: Buffer.from(plaintext),
        ciphertext,
      }))
      expect((await handle.decryptDataKey(kept, { context })).plaintext).toEqual(lent)
      expect((await handle.describe()).id).toBe(id)
    }
  })

  test('opens messages of its own key alone', async () => {
    const { kms } = await world()
    const other = await makeTarget(kms, 'other')
    const handle = kms.key('k')
    await expectCode(handle.decrypt(other.message), 'INVALID_CIPHERTEXT')
    await expectCode(handle.decryptDataKey(other.dataKey), 'INVALID_CIPHERTEXT')
    const { items } = await handle.decryptMany([{ ciphertext: other.message }])
    expect(items).toMatchObject([{ ok: false, error: { code: 'INVALID_CIPHERTEXT' } }])
  })

  test('moves messages of other keys, or of older versions, to its own key', async () => {
    const { kms, id, message } = await world()
    const other = await makeTarget(kms, 'other')
    const handle = kms.key('k')
    const moved = await handle.reEncrypt(other.message, { newContext: { a: 'b' } })
    expect(moved).toMatchObject({ keyId: id, sourceKeyId: other.id })
    expect((await handle.decrypt(moved.ciphertext, { context: { a: 'b' } })).plaintext.toString()).toBe('1')
    const text = await handle.reEncryptText(other.message.toString('base64url'))
    expect(await handle.decryptText(text)).toBe('1')
    await handle.rotate()
    const { items } = await handle.reEncryptMany([
      { ciphertext: message, reference: 'r' },
      { ciphertext: other.message },
    ])
    expect(items).toMatchObject([
      { ok: true, reference: 'r', keyId: id, keyVersion: 2, sourceKeyId: id, sourceKeyVersion: 1 },
      { ok: true, keyId: id, keyVersion: 2, sourceKeyId: other.id },
    ])
  })

  test('rotates, disables and enables its key, and never keeps what it was', async () => {
    const made = await world()
    const handle = made.kms.key('k')
    expect(await handle.rotate()).toMatchObject({ currentVersion: 2 })
    const record = await recordOf(made, () => handle.disable({ reason: 'odd', requestId: 'r' }))
    expect(record).toMatchObject({ action: 'disableKey', requestId: 'r', details: { why: 'odd' } })
    expect(Object.keys(handle).toSorted()).toEqual(['id', 'name', 'spec', 'usage'])
    await expectCode(handle.encrypt('x'), 'INVALID_KEY_STATE')
    expect(await handle.enable({ reason: 'even' })).toMatchObject({ state: 'Enabled', stateReason: 'even' })
    expect((await handle.encrypt('x')).keyVersion).toBe(2)
  })

  test('D65 has these verbs, and no others', () => {
    const verbsOf = (of: object): string[] => Object.getOwnPropertyNames(of).toSorted()
    expect(verbsOf(KeyHandle.prototype)).toEqual(['constructor', 'describe', 'disable', 'enable', 'rotate'])
    expect(verbsOf(EncryptionKey.prototype)).toEqual(
      [
        'constructor',
        'encrypt',
        'decrypt',
        'encryptText',
        'decryptText',
        'encryptJson',
        'decryptJson',
        'encryptMany',
        'decryptMany',
        'reEncrypt',
        'reEncryptText',
        'reEncryptMany',
        'needsReEncrypt',
        'reEncryptAll',
        'deterministicEncrypt',
        'deterministicDecrypt',
        'encryptStream',
        'decryptStream',
        'reEncryptStream',
        'decryptRange',
        'generateDataKey',
        'generateDataKeyPair',
        'withDataKey',
        'decryptDataKey',
        'getPublicKey',
      ].toSorted(),
    )
    const signing = ['constructor', 'getPublicKey', 'sign', 'signMany', 'verify', 'verifyMany']
    expect(verbsOf(SigningKey.prototype)).toEqual(signing)
    expect(verbsOf(MacKey.prototype)).toEqual(['blindIndex', 'blindIndexes', 'constructor', 'generateMac', 'verifyMac'])
    expect(verbsOf(AgreementKey.prototype)).toEqual(['constructor', 'deriveSharedSecret', 'getPublicKey'])
    expect(verbsOf(EncapsulationKey.prototype)).toEqual(['constructor', 'decapsulate', 'encapsulate', 'getPublicKey'])
  })

  test('passes signal and request id on, with every verb', async () => {
    const made = await world()
    const handle = made.kms.key('k')
    const { message, dataKey } = made
    const calls = (options: { requestId: string; signal?: AbortSignal }) => [
      async () => handle.encrypt('x', options),
      async () => handle.decrypt(message, options),
      async () => handle.encryptText('x', options),
      async () => handle.decryptText(message, options),
      async () => handle.encryptJson('x', options),
      async () => handle.decryptJson(message, options),
      async () => handle.encryptMany([{ plaintext: 'x' }], options),
      async () => handle.decryptMany([{ ciphertext: message }], options),
      async () => handle.reEncryptMany([], options),
      async () => handle.generateDataKey({}, options),
      async () => handle.generateDataKeyPair({ spec: 'X25519' }, options),
      async () => handle.withDataKey({}, () => undefined, options),
      async () => handle.decryptDataKey(dataKey, options),
      async () => handle.describe(options),
      async () => handle.rotate(options),
      async () => handle.disable(options),
      async () => handle.enable(options),
    ]
    for (const call of calls({ requestId: 'r' })) {
      expect((await recordOf(made, call)).requestId).toBe('r')
    }
    const signal = AbortSignal.abort()
    for (const call of calls({ requestId: 'r', signal })) {
      const records = await recordsOf(made, async () => expectCode(call(), 'ABORTED'))
      expect(records).toEqual([])
    }
  })

  test.each([null, 1, 'x'])('takes no options that are %o, and no request', async (bad) => {
    const { kms, message, dataKey } = await world()
    const handle = kms.key('k')
    const options = bad as never
    const calls = [
      handle.encrypt('x', options),
      handle.decrypt(message, options),
      handle.encryptText('x', options),
      handle.decryptText(message, options),
      handle.decryptDataKey(dataKey, options),
      handle.disable(options),
      handle.enable(options),
      handle.generateDataKey(options),
      handle.generateDataKeyPair(options),
      handle.withDataKey(options, () => undefined),
      handle.encryptMany(options),
      handle.decryptMany(options),
      handle.reEncrypt(message, options),
      handle.reEncryptText(message.toString('base64url'), options),
      handle.reEncryptMany(options),
      handle.encryptMany([options]),
      handle.decryptMany([options]),
    ]
    for (const call of calls) await expectCode(call, 'INVALID_REQUEST')
    await expectCode(handle.encryptMany(undefined as never), 'INVALID_REQUEST')
  })

  test('takes no field that nobody knows', async () => {
    const { kms, message } = await world()
    const handle = kms.key('k')
    const options = { surprise: 1 } as never
    for (const call of [handle.encrypt('x', options), handle.decrypt(message, options), handle.disable(options)]) {
      await expectCode(call, 'INVALID_REQUEST')
    }
    await makeTarget(kms, 'other')
    const { items } = await handle.encryptMany([{ plaintext: 'x', key: 'other' } as never])
    expect(items).toMatchObject([{ ok: true, keyId: (await handle.describe()).id }])
  })
})
