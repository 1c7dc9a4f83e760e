import { describe, expect, test } from 'vitest'
import { anyOf, generateRootKey, localRootKey, type RootKey, type RootKeyContext } from '../../src/index.ts'
import { RootKeyUnavailableError } from '../../src/index.ts'
import { codeOf, World } from '../support/audit-world.ts'

const context: RootKeyContext = { tenant: 'default', epoch: 1, purpose: 'keyring' }
const key = Buffer.alloc(32, 'material')
const [a, b, c] = [generateRootKey(), generateRootKey(), generateRootKey()].map((text) => localRootKey(text)) as [
  RootKey,
  RootKey,
  RootKey,
]
const down = (rootKey: RootKey): RootKey => ({
  describe: rootKey.describe.bind(rootKey),
  wrap: async () => Promise.reject(new Error('no network')),
  unwrap: async () => Promise.reject(new Error('no network')),
})
const silent = (rootKey: RootKey): RootKey => ({
  describe: rootKey.describe.bind(rootKey),
  wrap: async () => new Promise(() => undefined),
  unwrap: async () => new Promise(() => undefined),
})

describe('several root keys', () => {
  test('open with whichever is there, and wrap only with all of them', async () => {
    const wrapped = await anyOf([a, b]).wrap(key, context)
    for (const members of [
      [down(a), b],
      [a, down(b)],
      [b, a],
      [c, b],
      [a, b, c],
    ]) {
      expect(Buffer.from(await anyOf(members).unwrap(wrapped, context))).toEqual(key)
    }
    await expect(anyOf([a, down(b)]).wrap(key, context)).rejects.toThrow('no network')
  })

  test('do not wait for one that never answers', async () => {
    const wrapped = await anyOf([a, b]).wrap(key, context)
    expect(Buffer.from(await anyOf([silent(a), b], { patienceMs: 1 }).unwrap(wrapped, context))).toEqual(key)
  })

  test.each<[string, Uint8Array | string]>([
    ['another key', Buffer.alloc(32, 'another')],
    ['too few bytes', Buffer.alloc(16)],
    ['a string', 'x'.repeat(32)],
  ])('G108 open with another one where the first of them answers with %s', async (_, answer) => {
    const wrapped = await anyOf([a, b]).wrap(key, context)
    const liar = { describe: a.describe.bind(a), wrap: a.wrap.bind(a), unwrap: async () => answer } as RootKey
    expect(Buffer.from(await anyOf([liar, b]).unwrap(wrapped, context))).toEqual(key)
    expect(Buffer.from(await anyOf([liar, b]).unwrap(await b.wrap(key, context), context)).length).toBe(32)
  })

  test('wrap nothing under one that does not open it again', async () => {
    const forgetful = { ...down(b), wrap: async () => Buffer.from('wrapped') }
    await expect(anyOf([a, forgetful]).wrap(key, context)).rejects.toThrow('no network')
    const liar = { ...forgetful, unwrap: async () => Buffer.alloc(32, 'another') }
    expect(await codeOf(anyOf([a, liar]).wrap(key, context))).toBe('ROOT_KEY_MISMATCH')
  })

  test('say that it does not open only if each of them does', async () => {
    const wrapped = await anyOf([a, b]).wrap(key, context)
    expect(await codeOf(anyOf([c, localRootKey(generateRootKey())]).unwrap(wrapped, context))).toBe('ROOT_KEY_MISMATCH')
    const damaged = Buffer.from(wrapped)
    damaged[damaged.length - 1]! ^= 1
    expect(await codeOf(anyOf([a, b]).unwrap(damaged, context))).toBe('ROOT_KEY_MISMATCH')
    const failed: unknown = await anyOf([down(a), c])
      .unwrap(wrapped, context)
      .catch((error: unknown) => error)
    expect(failed).toBeInstanceOf(RootKeyUnavailableError)
  })

  test('G107 do not open with one bit changed, or with bytes too few or too many', async () => {
    const rootKey = anyOf([a, b])
    const wrapped = Buffer.from(await rootKey.wrap(key, context))
    for (let at = 0; at < wrapped.length; at++) {
      const flipped = Buffer.from(wrapped)
      flipped[at]! ^= 1
      expect(await codeOf(rootKey.unwrap(flipped, context))).toBe('ROOT_KEY_MISMATCH')
      expect(await codeOf(rootKey.unwrap(wrapped.subarray(0, at), context))).toBe('ROOT_KEY_MISMATCH')
    }
  })

  test('take over a storage from one of them, and give it on to others', async () => {
    const world = new World()
    await world.open({ rootKey: a })
    const kms = await world.open({ rootKey: anyOf([b, a]) })
    await kms.tenants.ensure('acme')
    expect(await codeOf(world.open({ rootKey: anyOf([c, b]), previousRootKeys: [a], tenant: 'acme' }))).toBeUndefined()
    expect(await codeOf(world.open({ rootKey: c, previousRootKeys: [a], tenant: 'acme' }))).toBe('ROOT_KEY_MISMATCH')
  })

  test.each<[string, unknown]>([
    ['one', [a]],
    ['none', []],
    ['nine', Array.from({ length: 9 }, () => a)],
    ['no list', a],
  ])('are two to eight, not %s', (_, keys) => {
    expect(() => anyOf(keys as RootKey[])).toThrow(/2 to 8/u)
  })

  test('have names of their own', async () => {
    expect(await codeOf(anyOf([a, a]).describe())).toBe('INVALID_REQUEST')
    expect(() => anyOf([a, b], { patienceMs: -1 })).toThrow(/patienceMs/u)
  })
})
