import { describe, expect, test, vi } from 'vitest'
import type { EncryptRequest } from '../../src/index.ts'
import { actor, expectCode, makeWorld, outcomeOf, recordsOf } from '../support/kms.ts'
import { methods } from '../support/methods.ts'
import { makeTarget } from '../support/verbs.ts'

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
    expect(error).toMatchObject({ issues: [] })
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
