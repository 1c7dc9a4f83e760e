import { describe, expect, test } from 'vitest'
import { localRootKey, type RootKey, type RootKeyContext } from '../../src/index.ts'
import { tables } from '../../src/storage/tables.ts'
import { codeOf, rootKey, settle, watch, World } from '../support/audit-world.ts'

const other = localRootKey(Buffer.alloc(32, 'other'))
const context: RootKeyContext = { tenant: 'default', epoch: 1, purpose: 'keyring' }

/** A provider that does what it is told, and else what the local root key does. */
const provider = (change: Partial<Record<keyof RootKey, unknown>> = {}): RootKey =>
  ({
    describe: async () => ({ id: 'provider:1' }),
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
    const told = rootKey.describe.bind(rootKey)
    const posing: RootKey = { describe: told, wrap: other.wrap.bind(other), unwrap: other.unwrap.bind(other) }
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
    for (const method of ['describe', 'wrap'] as const) {
      const failed = await errorOf(
        new World().open({ rootKey: provider({ [method]: async () => Promise.reject(cause) }) }),
      )
      expect(failed).toMatchObject({ code: 'ROOT_KEY_UNAVAILABLE', cause, retryable: true })
    }
    const sync = provider({
      describe: () => {
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

  test("and unwraps to another key's plaintext opens nothing, and nothing is written", async () => {
    const world = new World()
    const kms = await world.open({ rootKey: provider() })
    await kms.tenants.ensure('blue')
    const foreign = async (_: Uint8Array, on: RootKeyContext): Promise<Uint8Array> => {
      const [row] = await world.shelf.rows('keyring', 'blue')
      return rootKey.unwrap(row?.['wrapped'] as Uint8Array, { ...on, tenant: 'blue' })
    }
    const before = await rowsOf(world)
    for (const unwrap of [foreign, async () => Buffer.alloc(32, 'some other key')]) {
      expect(await codeOf(world.open({ rootKey: provider({ unwrap }) }))).toBe('STORAGE_TAMPERED')
    }
    expect(await rowsOf(world)).toEqual(before)
  })

  test('and opens a key after the deadline leaves it nowhere: what comes too late is wiped', async () => {
    const world = new World()
    await world.open({ rootKey: provider() })
    const { promise, resolve } = Promise.withResolvers<Uint8Array>()
    const opening = watch(world.open({ rootKey: provider({ unwrap: async () => promise }) }))
    await settle()
    world.clock.advance(5000)
    await settle()
    expect(opening.error).toMatchObject({ code: 'ROOT_KEY_UNAVAILABLE' })
    const late = Buffer.alloc(32, 'late')
    resolve(late)
    await settle()
    expect(late).toEqual(Buffer.alloc(32))
  })

  test('and never answers is given up at the deadline, by whatever it is asked', async () => {
    const never = async (): Promise<never> => new Promise(() => undefined)
    for (const method of ['describe', 'wrap', 'unwrap'] as const) {
      const world = new World()
      if (method === 'unwrap') await world.open({ rootKey: provider() })
      const before = await rowsOf(world)
      const opening = watch(world.open({ rootKey: provider({ [method]: never }) }))
      await settle()
      expect(opening.state).toBe('pending')
      world.clock.advance(5000)
      await settle()
      expect([method, opening.error]).toMatchObject([method, { code: 'ROOT_KEY_UNAVAILABLE' }])
      expect(await rowsOf(world)).toEqual(before)
    }
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
