import { types } from 'node:util'
import { describe, expect, test } from 'vitest'
import { expectCode, makeWorld } from '../support/kms.ts'
import { makeTarget, verbs } from '../support/verbs.ts'

async function world() {
  const made = await makeWorld()
  return { ...made, ...(await makeTarget(made.kms, 'k')) }
}

/** Every object in a result, however deep. */
function within(value: unknown, seen = new Set<object>()): Set<object> {
  if (typeof value !== 'object' || value === null || seen.has(value)) return seen
  seen.add(value)
  if (!(value instanceof Uint8Array)) for (const inner of Object.values(value)) within(inner, seen)
  return seen
}

describe('bytes that come out', () => {
  test('are Buffers of their own memory', async () => {
    const { kms, message, dataKey } = await world()
    const encrypted = await kms.encrypt({ key: 'k', plaintext: new Uint8Array([1, 2]) })
    const results = [
      encrypted.ciphertext,
      (await kms.encrypt({ key: 'k', plaintext: 'x', envelope: 'wrapped' })).ciphertext,
      (await kms.decrypt({ ciphertext: encrypted.ciphertext })).plaintext,
      (await kms.reEncrypt({ ciphertext: message })).ciphertext,
      (await kms.generateDataKey({ key: 'k' })).plaintext,
      (await kms.generateDataKey({ key: 'k' })).ciphertext,
      (await kms.generateDataKeyWithoutPlaintext({ key: 'k' })).ciphertext,
      (await kms.decryptDataKey({ ciphertext: dataKey })).plaintext,
      (await kms.generateRandom({ numberOfBytes: 16 })).plaintext,
    ]
    for (const bytes of results) {
      expect(Buffer.isBuffer(bytes)).toBe(true)
      expect(bytes.byteLength).toBe(bytes.buffer.byteLength)
      expect(bytes.byteOffset).toBe(0)
    }
    expect(results[2]).toEqual(Buffer.from([1, 2]))
  })

  test('C53 are the only bytes: no result of any verb holds a key object, and only these hold key bytes', async () => {
    const target = await world()
    const withBytes: string[] = []
    for (const [name, verb] of Object.entries(verbs)) {
      const objects = [...within(await verb.run(target.kms, target))]
      expect([name, objects.filter((object) => types.isKeyObject(object) || types.isCryptoKey(object))]).toEqual([
        name,
        [],
      ])
      if (objects.some((object) => object instanceof Uint8Array)) withBytes.push(name)
    }
    expect(withBytes).toEqual([
      'encrypt',
      'encryptMany',
      'decrypt',
      'decryptMany',
      'reEncrypt',
      'reEncryptMany',
      'encryptStream',
      'decryptStream',
      'reEncryptStream',
      'decryptRange',
      'reEncryptHeader',
      'generateDataKey',
      'generateDataKeyWithoutPlaintext',
      'generateDataKeyPair',
      'generateDataKeyPairWithoutPlaintext',
      'decryptDataKey',
      'dataKeys.get',
      'generateRandom',
    ])
  })

  test('C53 of a data key have the length that was asked for, and open from what is kept', async () => {
    const { kms } = await world()
    const asked = [
      [{}, 32],
      [{ spec: 'AES_256' }, 32],
      [{ spec: 'AES_128' }, 16],
      [{ numberOfBytes: 1 }, 1],
      [{ numberOfBytes: 1024 }, 1024],
    ] as const
    for (const [how, length] of asked) {
      const made = await kms.generateDataKey({ key: 'k', context: { a: 'b' }, ...how })
      expect(made.plaintext).toHaveLength(length)
      const opened = await kms.decryptDataKey({ ciphertext: made.ciphertext, context: { a: 'b' } })
      expect(opened.plaintext).toEqual(made.plaintext)
      await expectCode(kms.decryptDataKey({ ciphertext: made.ciphertext }), 'INVALID_CIPHERTEXT')
      const hidden = await kms.generateDataKeyWithoutPlaintext({ key: 'k', ...how })
      expect(Object.keys(hidden).toSorted()).toEqual(['ciphertext', 'keyId', 'keyVersion'])
      expect((await kms.decryptDataKey({ ciphertext: hidden.ciphertext })).plaintext).toHaveLength(length)
    }
    await expectCode(kms.generateDataKey({ key: 'k', spec: 'AES_128', numberOfBytes: 16 }), 'INVALID_REQUEST')
    await expectCode(kms.generateDataKey({ key: 'k', spec: 'RSA_2048' as never }), 'INVALID_REQUEST')
  })

  test('S0-29 of an encryption come with key and version', async () => {
    const { kms, id } = await world()
    const { ciphertext, ...rest } = await kms.encrypt({ key: 'k', plaintext: 'x' })
    expect(rest).toEqual({ keyId: id, keyVersion: 1 })
    const { plaintext, ...of } = await kms.decrypt({ ciphertext })
    expect([plaintext.toString(), of]).toEqual(['x', rest])
    const moved = await kms.reEncrypt({ ciphertext })
    expect(moved).toMatchObject({ keyId: id, keyVersion: 1, sourceKeyId: id, sourceKeyVersion: 1 })
  })
})

describe('what goes in', () => {
  test('is taken as it was when it was called', async () => {
    const { kms, message } = await world()
    const plaintext = Buffer.from('before')
    const context = { a: '1' }
    const request = { key: 'k', plaintext, context, envelope: 'derived' as 'derived' | 'wrapped' }
    const sealing = kms.encrypt(request)
    plaintext.write('after!')
    context.a = '2'
    request.key = 'none'
    request.envelope = 'wrapped'
    const { ciphertext } = await sealing
    expect(ciphertext[3]).toBe(1)
    const stored = Buffer.from(message)
    const opening = [kms.decrypt({ ciphertext, context: { a: '1' } }), kms.decrypt({ ciphertext: stored })]
    ciphertext.fill(0)
    stored.fill(0)
    const opened = await Promise.all(opening)
    expect(opened.map((result) => result.plaintext.toString())).toEqual(['before', '1'])
  })

  test('is not changed by it', async () => {
    const { kms, message } = await world()
    const plaintext = Buffer.from('plain')
    const copy = Buffer.from(message)
    const request = Object.freeze({ key: 'k', plaintext, context: Object.freeze({ a: '1' }) })
    await kms.encrypt(request)
    await kms.decrypt(Object.freeze({ ciphertext: message }))
    await kms.encryptMany(Object.freeze({ items: Object.freeze([request]) }))
    expect(plaintext.toString()).toBe('plain')
    expect(message).toEqual(copy)
  })

  test('of many is taken as it was, and so are tags and items', async () => {
    const { kms } = await world()
    const items = [{ key: 'k', plaintext: Buffer.from('before'), context: { a: '1' } }]
    const tags = { team: 'blue' }
    const [many, created] = [kms.encryptMany({ items }), kms.keys.create({ name: 'tagged', spec: 'AES_256', tags })]
    items[0]!.plaintext.fill(0)
    items[0]!.context.a = '2'
    items.push(items[0]!)
    tags.team = 'red'
    const [item, ...others] = (await many).items
    expect(others).toEqual([])
    const ciphertext = item?.ok === true ? item.ciphertext : ''
    expect((await kms.decrypt({ ciphertext, context: { a: '1' } })).plaintext.toString()).toBe('before')
    expect((await (await created).describe()).tags).toEqual({ team: 'blue' })
  })

  test('may be any view of bytes, and a string stands for its UTF-8', async () => {
    const { kms } = await world()
    const bytes = new Uint8Array([9, 8, 7, 6, 5])
    const forms = [bytes.subarray(1, 4), Buffer.from(bytes).subarray(1, 4)]
    for (const plaintext of forms) {
      const { ciphertext } = await kms.encrypt({ key: 'k', plaintext })
      const view = new Uint8Array(ciphertext.byteLength + 2)
      view.set(ciphertext, 1)
      const opened = await kms.decrypt({ ciphertext: view.subarray(1, -1) })
      expect([...opened.plaintext]).toEqual([8, 7, 6])
      expect([...(await kms.decrypt({ ciphertext: ciphertext.toString('base64url') })).plaintext]).toEqual([8, 7, 6])
    }
    const { ciphertext } = await kms.encrypt({ key: 'k', plaintext: 'ü\u{1f511}' })
    expect((await kms.decrypt({ ciphertext })).plaintext).toEqual(Buffer.from('ü\u{1f511}', 'utf8'))
  })
})
