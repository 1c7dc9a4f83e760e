import { afterEach, describe, expect, test } from 'vitest'
import { envRootKey, generateRootKey, localRootKey, type RootKey, type RootKeyContext } from '../../src/index.ts'
import { isKmsError } from '../../src/index.ts'
import { tables } from '../../src/storage/tables.ts'
import { codeOf, rootKey, World } from '../support/audit-world.ts'

const bytes = Buffer.from('0123456789abcdef0123456789abcdef', 'latin1')
const other = localRootKey(Buffer.alloc(32, 'other'))
const context: RootKeyContext = { tenant: 'default', epoch: 1, purpose: 'keyring' }
const material = Buffer.alloc(32, 'material')

/** A provider that does what it is told, and else what the local root key does. */
const provider = (change: Partial<Record<keyof RootKey, unknown>> = {}): RootKey =>
  ({
    id: async () => 'provider:1',
    wrap: async (key: Uint8Array, on: RootKeyContext) => rootKey.wrap(key, on),
    unwrap: async (wrapped: Uint8Array, on: RootKeyContext) => rootKey.unwrap(wrapped, on),
    ...change,
  }) as RootKey
const errorOf = async (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  )
const rowsOf = async (world: World) => Promise.all(tables.map(async ({ name }) => world.shelf.rows(name)))

describe('G103 a local root key', () => {
  test.each([
    ['bytes', bytes],
    ['a plain Uint8Array', new Uint8Array(bytes)],
    ['hex', bytes.toString('hex')],
    ['hex in capitals', bytes.toString('hex').toUpperCase()],
    ['base64', bytes.toString('base64')],
    ['base64 without padding', bytes.toString('base64').replace('=', '')],
    ['base64url', bytes.toString('base64url')],
  ])('is 32 bytes, or their text in %s', async (_, value) => {
    const key = localRootKey(value)
    expect(await key.id()).toBe(await rootKey.id())
    expect(Buffer.from(await rootKey.unwrap(await key.wrap(material, context), context))).toEqual(material)
  })

  test.each<[string, unknown]>([
    ['no bytes', Buffer.alloc(0)],
    ['31 bytes', bytes.subarray(1)],
    ['33 bytes', Buffer.concat([bytes, Buffer.from('x')])],
    ['64 bytes', Buffer.concat([bytes, bytes])],
    ['zeros', Buffer.alloc(32)],
    ['one byte 32 times', Buffer.alloc(32, 0xff)],
    ['zeros in hex', '0'.repeat(64)],
    ['zeros in base64', Buffer.alloc(32).toString('base64')],
    ['a passphrase', 'correct horse battery staple'],
    ['a passphrase of 32 characters', 'correct horse battery staple 123'],
    ['nothing', ''],
    ['31 bytes in base64', bytes.subarray(1).toString('base64')],
    ['33 bytes in base64', Buffer.alloc(33, 'x').toString('base64')],
    ['63 digits', bytes.toString('hex').slice(1)],
    ['65 digits', `${bytes.toString('hex')}0`],
    ['a line feed after it', `${bytes.toString('base64')}\n`],
    ['a space before it', ` ${bytes.toString('hex')}`],
    ['both alphabets', `+_${bytes.toString('base64').slice(2)}`],
    ['two paddings', `${bytes.toString('base64')}=`],
    ['bits that stand for nothing', `${bytes.toString('base64').slice(0, 42)}${'9'}=`],
  ])('is not %s: nothing is hashed into shape, and the error tells how to make one', (_, value) => {
    const failed = ((): unknown => {
      try {
        return localRootKey(value as string)
      } catch (error) {
        return error
      }
    })()
    expect(isKmsError(failed, 'INVALID_REQUEST')).toBe(true)
    expect((failed as Error).message).toContain('openssl rand -base64 32')
    if (typeof value === 'string' && value.length > 20) expect((failed as Error).message).not.toContain(value)
  })

  test('does not notice what becomes of the bytes that it was given', async () => {
    const given = Buffer.from(bytes)
    const key = localRootKey(given)
    given.fill(1)
    expect(await key.id()).toBe(await rootKey.id())
  })

  test('is made at random', () => {
    const [first, second] = [generateRootKey(), generateRootKey()]
    expect(first).not.toBe(second)
    expect(Buffer.from(first, 'base64')).toHaveLength(32)
    expect(localRootKey(first)).toBeDefined()
  })

  test('G107 opens only what it wrapped, for the same tenant, epoch and purpose', async () => {
    const wrapped = await rootKey.wrap(material, context)
    expect(await rootKey.wrap(material, context)).not.toEqual(wrapped)
    expect(await codeOf(other.unwrap(wrapped, context))).toBe('ROOT_KEY_MISMATCH')
    for (const on of [
      { ...context, tenant: 'other' },
      { ...context, epoch: 2 },
    ]) {
      expect(await codeOf(rootKey.unwrap(wrapped, on))).toBe('ROOT_KEY_MISMATCH')
    }
    for (let at = 0; at < wrapped.length; at++) {
      const flipped = Buffer.from(wrapped)
      flipped[at]! ^= 1
      expect(await codeOf(rootKey.unwrap(flipped, context))).toBe('ROOT_KEY_MISMATCH')
    }
    expect(await codeOf(rootKey.unwrap(Buffer.alloc(0), context))).toBe('ROOT_KEY_MISMATCH')
  })
})

describe('a root key in the environment', () => {
  const name = 'CHATELAINE_TEST_ROOT_KEY'
  afterEach(() => {
    delete process.env[name]
  })

  test.each([[undefined], ['']])('G103 that is %j is ROOT_KEY_MISSING, and says how to make one', async (value) => {
    if (value !== undefined) process.env[name] = value
    const world = new World()
    const failed = await errorOf(world.open({ rootKey: envRootKey(name) }))
    expect(isKmsError(failed, 'ROOT_KEY_MISSING')).toBe(true)
    expect((failed as Error).message).toContain(name)
    expect((failed as Error).message).toContain('openssl rand -base64 32')
    expect((await rowsOf(world)).flat()).toEqual([])
  })

  test('G103 that is no key is refused without being shown', async () => {
    process.env[name] = 'hunter2hunter2hunter2'
    const failed = await errorOf(new World().open({ rootKey: envRootKey(name) }))
    expect(isKmsError(failed, 'INVALID_REQUEST')).toBe(true)
    expect((failed as Error).message).not.toContain('hunter2')
  })

  test('is read when the KMS is created', async () => {
    const key = envRootKey(name)
    process.env[name] = bytes.toString('base64')
    const world = new World()
    await world.open({ rootKey: key })
    expect(await codeOf(world.open())).toBeUndefined()
    expect(await key.id()).toBe(await rootKey.id())
    expect(Buffer.from(await key.unwrap(await key.wrap(material, context), context))).toEqual(material)
  })
})

describe('G104 another root key', () => {
  test('is ROOT_KEY_MISMATCH, before anything is written', async () => {
    const world = new World()
    await world.open()
    const before = await rowsOf(world)
    expect(await codeOf(world.open({ rootKey: other }))).toBe('ROOT_KEY_MISMATCH')
    expect(await rowsOf(world)).toEqual(before)
    expect(await codeOf(world.open())).toBeUndefined()
  })

  test('with the same name is found out by what it cannot open', async () => {
    const world = new World()
    await world.open()
    const id = rootKey.id.bind(rootKey)
    const posing: RootKey = { id, wrap: other.wrap.bind(other), unwrap: other.unwrap.bind(other) }
    expect(await codeOf(world.open({ rootKey: posing }))).toBe('ROOT_KEY_MISMATCH')
  })

  test('may come first, where the right one is among those of before', async () => {
    const world = new World()
    await world.open()
    const kms = await world.open({ rootKey: other, previousRootKeys: [rootKey] })
    expect(await kms.audit.verify()).toMatchObject({ ok: true })
    expect(await codeOf(world.open({ rootKey: other, previousRootKeys: [provider()] }))).toBe('ROOT_KEY_MISMATCH')
  })
})

describe('G108 a provider that misbehaves', () => {
  const short = Buffer.alloc(31, 1)
  test.each<[string, unknown]>([
    ['a string', 'x'.repeat(32)],
    ['too few bytes', short],
    ['too many bytes', Buffer.alloc(33, 1)],
    ['nothing', undefined],
    ['an ArrayBuffer', new ArrayBuffer(32)],
    ['an array', Array.from({ length: 32 }, () => 1)],
  ])('and unwraps %s is ROOT_KEY_UNAVAILABLE', async (_, value) => {
    const world = new World()
    await world.open({ rootKey: provider() })
    expect(await codeOf(world.open({ rootKey: provider({ unwrap: async () => value }) }))).toBe('ROOT_KEY_UNAVAILABLE')
  })

  test.each<[string, unknown]>([
    ['a string', 'wrapped'],
    ['no bytes', Buffer.alloc(0)],
    ['nothing', undefined],
  ])('and wraps to %s is ROOT_KEY_UNAVAILABLE, and nothing is written', async (_, value) => {
    const world = new World()
    expect(await codeOf(world.open({ rootKey: provider({ wrap: async () => value }) }))).toBe('ROOT_KEY_UNAVAILABLE')
    expect((await rowsOf(world)).flat()).toEqual([])
  })

  test('and throws something is ROOT_KEY_UNAVAILABLE with that as its cause; a KmsError of its own is kept', async () => {
    const cause = new Error('no network')
    for (const method of ['id', 'wrap'] as const) {
      const failed = await errorOf(
        new World().open({ rootKey: provider({ [method]: async () => Promise.reject(cause) }) }),
      )
      expect(failed).toMatchObject({ code: 'ROOT_KEY_UNAVAILABLE', cause, retryable: true })
    }
    const sync = provider({
      id: () => {
        throw cause
      },
    })
    expect(await codeOf(new World().open({ rootKey: sync }))).toBe('ROOT_KEY_UNAVAILABLE')
    const world = new World()
    await world.open({ rootKey: provider() })
    const failing = provider({ unwrap: async () => other.unwrap(Buffer.alloc(200), context) })
    expect(await codeOf(world.open({ rootKey: failing }))).toBe('ROOT_KEY_MISMATCH')
  })

  test('and hands out one buffer twice never opens the house with another key than the right one', async () => {
    const world = new World()
    await world.open({ rootKey: provider() })
    let kept: Uint8Array | undefined
    const lazy = provider({
      unwrap: async (wrapped: Uint8Array, on: RootKeyContext) => (kept ??= await rootKey.unwrap(wrapped, on)),
    })
    const outcomes = [await codeOf(world.open({ rootKey: lazy })), await codeOf(world.open({ rootKey: lazy }))]
    expect(
      outcomes.every((code) => code === undefined || code === 'ROOT_KEY_UNAVAILABLE' || code === 'STORAGE_TAMPERED'),
    ).toBe(true)
    expect(kept?.every((byte) => byte === 0)).toBe(true)
  })

  test('and changes its buffer later changes nothing', async () => {
    const world = new World()
    const handed: Uint8Array[] = []
    const wrap = async (key: Uint8Array, on: RootKeyContext): Promise<Uint8Array> => {
      const wrapped = await rootKey.wrap(key, on)
      handed.push(wrapped)
      return wrapped
    }
    const kms = await world.open({ rootKey: provider({ wrap }) })
    for (const buffer of handed) buffer.fill(7)
    expect(await codeOf(world.open({ rootKey: provider() }))).toBeUndefined()
    expect(await kms.audit.verify()).toMatchObject({ ok: true })
  })

  test('P4 keeps no copy of the key that it was given to wrap', async () => {
    const given: Uint8Array[] = []
    const wrap = async (key: Uint8Array, on: RootKeyContext): Promise<Uint8Array> => {
      given.push(key)
      return rootKey.wrap(key, on)
    }
    await new World().open({ rootKey: provider({ wrap }) })
    expect(given).toHaveLength(1)
    expect(given.every((key) => key.every((byte) => byte === 0))).toBe(true)
  })
})
