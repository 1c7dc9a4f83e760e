import { describe, expect, test } from 'vitest'
import { expectCode, makeWorld, outcomeOf, recordOf, recordsOf, settle } from '../support/kms.ts'
import { methods } from '../support/methods.ts'
import { makeTarget } from '../support/verbs.ts'

async function world() {
  const made = await makeWorld()
  await makeTarget(made.kms, 'k')
  return made
}

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
      const options = { signal: signal as unknown as AbortSignal }
      const error = await expectCode(kms.encrypt({ key: 'k', plaintext: '' }, options), 'INVALID_REQUEST')
      expect(error.message).toBe('signal is not an AbortSignal')
      await expectCode(kms.keys.rotate({ key: 'k' }, options), 'INVALID_REQUEST')
    },
  )

  test.each(['', 'x'.repeat(129), '\ud800', 1, null, {}, Object('text')])(
    'have no request id that is %o',
    async (requestId) => {
      const made = await world()
      const records = await recordsOf(made, async () => {
        const options = { requestId: requestId as string }
        const error = await expectCode(made.kms.encrypt({ key: 'k', plaintext: '' }, options), 'INVALID_REQUEST')
        expect(error.message).toBe('requestId is not a well-formed string of 1 to 128 characters')
        expect(error.requestId).toBe(typeof requestId === 'string' ? requestId : undefined)
      })
      expect(records).toEqual([])
    },
  )

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
      expect(Object.keys(error)).toContain('requestId')
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
