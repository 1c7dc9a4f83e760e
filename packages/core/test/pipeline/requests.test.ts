import { describe, expect, test, vi } from 'vitest'
import type { CallOptions, EncryptRequest, Kms } from '../../src/index.ts'
import { actor, expectCode, makeWorld, outcomeOf, recordOf, recordsOf, settle } from '../support/kms.ts'
import { makeTarget } from '../support/verbs.ts'

type Call = (kms: Kms, request: never, options?: CallOptions) => PromiseLike<unknown>

/** Every method that takes a request, and a request that it takes. */
const methods: Readonly<Record<string, readonly [Call, object]>> = {
  encrypt: [async (kms, request, options) => kms.encrypt(request, options), { key: 'k', plaintext: '1' }],
  encryptText: [async (kms, request, options) => kms.encryptText(request, options), { key: 'k', plaintext: '1' }],
  encryptJson: [async (kms, request, options) => kms.encryptJson(request, options), { key: 'k', value: 1 }],
  decrypt: [async (kms, request, options) => kms.decrypt(request, options), { ciphertext: 'AAAA' }],
  decryptText: [async (kms, request, options) => kms.decryptText(request, options), { ciphertext: 'AAAA' }],
  decryptJson: [async (kms, request, options) => kms.decryptJson(request, options), { ciphertext: 'AAAA' }],
  reEncrypt: [async (kms, request, options) => kms.reEncrypt(request, options), { ciphertext: 'AAAA' }],
  reEncryptText: [async (kms, request, options) => kms.reEncryptText(request, options), { ciphertext: 'AAAA' }],
  encryptMany: [async (kms, request, options) => kms.encryptMany(request, options), { items: [] }],
  decryptMany: [async (kms, request, options) => kms.decryptMany(request, options), { items: [] }],
  reEncryptMany: [async (kms, request, options) => kms.reEncryptMany(request, options), { items: [] }],
  generateDataKey: [async (kms, request, options) => kms.generateDataKey(request, options), { key: 'k' }],
  generateDataKeyWithoutPlaintext: [
    async (kms, request, options) => kms.generateDataKeyWithoutPlaintext(request, options),
    { key: 'k' },
  ],
  decryptDataKey: [async (kms, request, options) => kms.decryptDataKey(request, options), { ciphertext: 'AAAA' }],
  generateRandom: [async (kms, request, options) => kms.generateRandom(request, options), { numberOfBytes: 1 }],
  'keys.create': [async (kms, request, options) => kms.keys.create(request, options), { spec: 'AES_256' }],
  'keys.ensure': [async (kms, request, options) => kms.keys.ensure(request, options), { name: 'n', spec: 'AES_256' }],
  'keys.get': [async (kms, request, options) => kms.keys.get(request, options), { key: 'k' }],
  'keys.list': [async (kms, request, options) => kms.keys.list(request, options), {}],
  'keys.listVersions': [async (kms, request, options) => kms.keys.listVersions(request, options), { key: 'k' }],
  'keys.update': [async (kms, request, options) => kms.keys.update(request, options), { key: 'k' }],
  'keys.rotate': [async (kms, request, options) => kms.keys.rotate(request, options), { key: 'k' }],
  'keys.disable': [async (kms, request, options) => kms.keys.disable(request, options), { key: 'k' }],
  'keys.enable': [async (kms, request, options) => kms.keys.enable(request, options), { key: 'k' }],
  'keys.revoke': [async (kms, request, options) => kms.keys.revoke(request, options), { key: 'k', reason: 'r' }],
  'keys.scheduleDeletion': [async (kms, request, options) => kms.keys.scheduleDeletion(request, options), { key: 'k' }],
  'keys.cancelDeletion': [async (kms, request, options) => kms.keys.cancelDeletion(request, options), { key: 'k' }],
  'grants.create': [
    async (kms, request, options) => kms.grants.create(request, options),
    { principal: 'p', key: 'k', operations: ['encrypt'] },
  ],
  'grants.list': [async (kms, request, options) => kms.grants.list(request, options), {}],
  'principals.deactivate': [
    async (kms, request, options) => kms.principals.deactivate(request, options),
    { principal: 'p' },
  ],
  'audit.list': [async (kms, request, options) => kms.audit.list(request, options), {}],
  'audit.verify': [async (kms, request, options) => kms.audit.verify(request, options), {}],
  'audit.tail': [async (kms, request, options) => kms.audit.tail(request, options).next(), { from: 0 }],
}
const names = Object.keys(methods)

async function world() {
  const made = await makeWorld()
  await makeTarget(made.kms, 'k')
  return made
}

describe('a request that its schema refuses', () => {
  test.each([null, 1, 'text', true, Symbol('s'), () => ({})])('D65 is %o to every method', async (request) => {
    const made = await world()
    for (const name of names) {
      const call = methods[name]![0]
      const records = await recordsOf(made, async () => {
        expect([name, await outcomeOf(call(made.kms, request as never))]).toEqual([name, 'INVALID_REQUEST'])
      })
      expect([name, records]).toEqual([name, []])
    }
  })

  test('has a field that nobody knows, whatever the method', async () => {
    const made = await world()
    for (const [name, [call, request]] of Object.entries(methods)) {
      const records = await recordsOf(made, async () => {
        const error = await expectCode(call(made.kms, { ...request, surprise: 1 } as never), 'INVALID_REQUEST')
        expect([name, error.message]).toEqual([name, expect.stringContaining('surprise')])
      })
      expect([name, records]).toEqual([name, []])
    }
  })

  test('is not recorded, and changes nothing', async () => {
    const made = await world()
    const head = (await made.db.rows('heads')).length
    await expectCode(made.kms.encrypt({ key: 'a b', plaintext: 'x' }), 'INVALID_REQUEST')
    await expectCode(actor(made.kms, 'nobody').encrypt({ key: '', plaintext: 'x' }), 'INVALID_REQUEST')
    expect(await made.db.rows('heads')).toHaveLength(head)
  })

  test('is counted instead', async () => {
    const { kms } = await world()
    const { refused } = (await kms.ops.health()).requests
    await expectCode(kms.encrypt({ key: 'a b', plaintext: 'x' }), 'INVALID_REQUEST')
    await expectCode(kms.keys.create(null as never), 'INVALID_REQUEST')
    await expectCode(kms.keys.get({ key: 'none' }), 'KEY_NOT_FOUND')
    expect((await kms.ops.health()).requests).toEqual({ refused: refused + 2 })
  })

  test('is told where it is wrong and how, and never with the value', async () => {
    const { kms } = await world()
    const error = await expectCode(kms.encrypt({ key: 'secret value', plaintext: 'x' }), 'INVALID_REQUEST')
    const message = 'a key is named by its id or name'
    expect(error.message).toBe(`the request is not valid: key: ${message}`)
    expect(error).toMatchObject({ issues: [{ path: 'key', message }] })
    expect(JSON.parse(JSON.stringify(error))).toMatchObject({
      code: 'INVALID_REQUEST',
      issues: [{ path: 'key', message }],
    })
    const items = [
      { key: 'k', plaintext: 'x' },
      { key: 'secret value', plaintext: 1 as never },
    ]
    const many = await expectCode(kms.encryptMany({ items }), 'INVALID_REQUEST')
    expect(many).toMatchObject({ issues: [{ path: 'items.1.key' }, { path: 'items.1.plaintext' }] })
    expect(many.message).toBe(`the request is not valid: items.1.key: ${message}`)
    expect(JSON.stringify(many)).not.toContain('secret value')
  })

  test('is refused before it is known whether the caller may at all', async () => {
    const { kms } = await world()
    await expectCode(kms.as('nobody').encrypt({ key: 'none', plaintext: 5 as never }), 'INVALID_REQUEST')
  })

  test('cannot make us run its getters twice, nor throw what they throw', async () => {
    const { kms } = await world()
    const reads = vi.fn<() => string>().mockReturnValueOnce('k').mockReturnValue('other')
    const request = Object.defineProperty({ plaintext: 'x' } as EncryptRequest, 'key', { get: reads, enumerable: true })
    expect((await kms.encrypt(request)).keyVersion).toBe(1)
    expect(reads).toHaveBeenCalledTimes(1)
    const throwing = {
      key: 'k',
      get plaintext(): string {
        throw new Error('mine')
      },
    }
    const error = await expectCode(kms.encrypt(throwing), 'INVALID_REQUEST')
    expect(error.message).toBe('a property of the request cannot be read')
    expect(error.cause).toEqual(new Error('mine'))
  })

  test('does not get what it lacks from its prototype', async () => {
    const { kms } = await world()
    const inherited = Object.create({ key: 'k', plaintext: 'x' }) as EncryptRequest
    await expectCode(kms.encrypt(inherited), 'INVALID_REQUEST')
    class Request {
      key = 'k'
      plaintext = 'x'
    }
    expect((await kms.encrypt(new Request())).keyVersion).toBe(1)
  })

  test.each([
    new ArrayBuffer(4),
    new SharedArrayBuffer(4),
    new DataView(new ArrayBuffer(4)),
    [1, 2],
    42,
    null,
    undefined,
    '\ud800',
    new Uint16Array(2),
    { length: 2 },
  ])('has a plaintext that is %o', async (plaintext) => {
    const { kms } = await world()
    await expectCode(kms.encrypt({ key: 'k', plaintext: plaintext as never }), 'INVALID_REQUEST')
  })

  test.each([0, 1025, 1.5, -1, NaN, '8', null])('asks for %s random bytes', async (numberOfBytes) => {
    const { kms } = await world()
    await expectCode(kms.generateRandom({ numberOfBytes: numberOfBytes as number }), 'INVALID_REQUEST')
    const request = { key: 'k', numberOfBytes: numberOfBytes as number }
    await expectCode(kms.generateDataKey(request), 'INVALID_REQUEST')
  })
})

describe('options', () => {
  test.each([null, 1, 'text', true, () => ({})])('are not %o', async (options) => {
    const made = await world()
    for (const [name, [call, request]] of Object.entries(methods)) {
      const records = await recordsOf(made, async () => {
        const outcome = await outcomeOf(call(made.kms, request as never, options as never))
        expect([name, outcome]).toEqual([name, 'INVALID_REQUEST'])
      })
      expect([name, records]).toEqual([name, []])
    }
    const error = (await settle(made.kms.encrypt({ key: 'k', plaintext: '' }, options as never))) as Error
    expect(error.message).toBe('the options are not an object')
  })

  test.each([{}, { aborted: true }, 'signal', { addEventListener: () => undefined, aborted: false }])(
    'have no signal that is %o',
    async (signal) => {
      const { kms } = await world()
      const options = { signal: signal as AbortSignal }
      const error = await expectCode(kms.encrypt({ key: 'k', plaintext: '' }, options), 'INVALID_REQUEST')
      expect(error.message).toBe('signal is not an AbortSignal')
      await expectCode(kms.keys.rotate({ key: 'k' }, options), 'INVALID_REQUEST')
    },
  )

  test.each(['', 'x'.repeat(129), '\ud800', 1, null, {}])('have no request id that is %o', async (requestId) => {
    const made = await world()
    const records = await recordsOf(made, async () => {
      const options = { requestId: requestId as string }
      const error = await expectCode(made.kms.encrypt({ key: 'k', plaintext: '' }, options), 'INVALID_REQUEST')
      expect(error.message).toBe('requestId is not a well-formed string of 1 to 128 characters')
    })
    expect(records).toEqual([])
  })

  test.each(['a', 'x'.repeat(128), 'günstig \u{1f511}', 'a\nb\r\u2028\u0000"\\'])(
    'have a request id that is recorded as it is: %j',
    async (requestId) => {
      const made = await world()
      const record = await recordOf(made, () => made.kms.encrypt({ key: 'k', plaintext: '' }, { requestId }))
      expect(record.requestId).toBe(requestId)
      expect(await made.kms.audit.verify()).toMatchObject({ ok: true })
    },
  )
})

describe('a request id', () => {
  test('is on every error, for whoever reads it and in its JSON', async () => {
    const { kms } = await world()
    const options = { requestId: 'req-1' }
    const errors = [
      await expectCode(kms.encrypt({ key: 'none', plaintext: '' }, options), 'KEY_NOT_FOUND'),
      await expectCode(kms.encrypt({ key: 'a b', plaintext: '' }, options), 'INVALID_REQUEST'),
      await expectCode(kms.as('nobody').keys.rotate({ key: 'k' }, options), 'ACCESS_DENIED'),
      await expectCode(kms.decrypt({ ciphertext: 'AAAA' }, options), 'INVALID_CIPHERTEXT'),
    ]
    for (const error of errors) {
      expect(error.requestId).toBe('req-1')
      expect(JSON.parse(JSON.stringify(error))).toMatchObject({ requestId: 'req-1' })
      expect({ ...error }).toMatchObject({ requestId: 'req-1' })
    }
  })

  test('is not there where none was given', async () => {
    const { kms } = await world()
    for (const options of [undefined, {}, { requestId: undefined }]) {
      const error = await expectCode(kms.encrypt({ key: 'none', plaintext: '' }, options), 'KEY_NOT_FOUND')
      expect(error.requestId).toBeUndefined()
    }
  })

  test('of a client stands for every call that does not bring its own', async () => {
    const made = await world()
    const client = made.kms.as({ id: 'anna', role: 'admin' }, { requestId: 'of client' })
    const request = { key: 'k', plaintext: '' }
    expect((await recordOf(made, () => client.encrypt(request))).requestId).toBe('of client')
    expect((await recordOf(made, () => client.encrypt(request, {}))).requestId).toBe('of client')
    expect((await recordOf(made, () => client.encrypt(request, { requestId: 'own' }))).requestId).toBe('own')
    const { signal } = new AbortController()
    expect((await recordOf(made, () => client.encrypt(request, { signal }))).requestId).toBe('of client')
    expect((await recordOf(made, () => client.key('k').encrypt('x'))).requestId).toBe('of client')
    expect((await expectCode(client.keys.get({ key: 'none' }), 'KEY_NOT_FOUND')).requestId).toBe('of client')
    const bad = made.kms.as('anna', { requestId: '' })
    await expectCode(bad.encrypt(request), 'INVALID_REQUEST')
  })

  test('is no object of options for as', async () => {
    const { kms } = await world()
    for (const options of [null, 1, 'req'] as unknown[]) {
      expect(() => kms.as('anna', options as object)).toThrow(expect.objectContaining({ code: 'INVALID_REQUEST' }))
    }
  })
})
