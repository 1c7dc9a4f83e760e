import { describe, expect, test } from 'vitest'
import type { Kms, KmsOptions } from '../../src/index.ts'
import { isKmsError } from '../../src/index.ts'
import type { StorageAdapter } from '../../src/storage/adapter.ts'
import { StorageFailure } from '../../src/storage/errors.ts'
import type { Between } from '../support/audit-storage.ts'
import { rootKey, settle, until, watch, World, type Watched } from '../support/audit-world.ts'

const never = async (): Promise<never> => new Promise(() => undefined)

/** Gives everything a minute. */
async function aMinute(world: World, holds: () => boolean): Promise<void> {
  const end = world.clock.monotonic() + 60_000
  await until(() => {
    world.clock.advance(500)
    return holds() || world.clock.monotonic() > end
  })
  await settle()
}
const codeOf = (error: unknown): unknown => (isKmsError(error) ? error.code : error)

describe('E72 a storage that hangs while the KMS is in use', () => {
  /** An instance whose storage hangs in one of its two ways, from now on. */
  async function hanging(way: 'snapshot' | 'transact'): Promise<{ world: World; kms: Kms }> {
    const world = new World()
    const between: Between = {}
    const kms = await world.open({ between })
    await kms.keys.create({ name: 'orders', spec: 'AES_256' })
    await kms.encrypt({ key: 'orders', plaintext: 'x' })
    between[way] = never
    return { world, kms }
  }
  const operations = (kms: Kms): [string, () => PromiseLike<unknown>][] => [
    ['a use', () => kms.encrypt({ key: 'orders', plaintext: 'x' })],
    ['a use of something new', () => kms.encrypt({ key: 'others', plaintext: 'x' })],
    ['a use by somebody new', () => kms.as('billing').encrypt({ key: 'orders', plaintext: 'x' })],
    ['a use of many', () => kms.encryptMany({ items: [{ key: 'orders', plaintext: 'x' }] })],
    ['a change', () => kms.keys.rotate({ key: 'orders' })],
    ['a list', () => kms.keys.list()],
    ['the log', () => kms.audit.list()],
    ['a tail', () => kms.audit.tail().next()],
    ['a verification', () => kms.audit.verify()],
  ]

  test.each(['snapshot', 'transact'] as const)(
    'in a %s: every operation ends by its deadline, without a result',
    async (way) => {
      const { world, kms } = await hanging(way)
      const before = world.clock.monotonic()
      const all = operations(kms).map(([name, ask]) => [name, watch(ask())] as const)
      await aMinute(world, () => all.every(([, { state }]) => state !== 'pending'))
      const endOf = ({ state, error }: { state: string; error?: unknown }): string =>
        state === 'failed' ? String(codeOf(error)) : state
      const ends = Object.fromEntries(all.map(([name, watched]) => [name, endOf(watched)]))
      expect(Object.keys(ends).filter((name) => ends[name] === 'pending')).toEqual([])
      const done = Object.keys(ends).filter((name) => ends[name] === 'done')
      expect(done).toEqual(way === 'snapshot' ? ['a use', 'a use of many', 'a change'] : ['a verification'])
      const allowed = ['done', 'AUDIT_UNAVAILABLE', 'STORAGE_UNAVAILABLE', 'KEY_NOT_FOUND', 'ACCESS_DENIED']
      expect(Object.values(ends).filter((end) => !allowed.includes(end))).toEqual([])
      // What reads waits for its reading, for its record, and for its reading once more where the state has moved.
      expect(world.clock.monotonic() - before).toBeLessThanOrEqual(3 * 5000 + 1000)
    },
  )

  test.each(['snapshot', 'transact'] as const)('in a %s: its health is red, and says so', async (way) => {
    const { world, kms } = await hanging(way)
    const health = watch(kms.ops.health())
    await aMinute(world, () => health.state !== 'pending')
    expect(health.value).toMatchObject({ status: 'red', storage: { ok: way !== 'snapshot' } })
  })

  test.each(['snapshot', 'transact'] as const)('in a %s: an abort is heard at once', async (way) => {
    const { kms } = await hanging(way)
    const aborting = new AbortController()
    const options = { signal: aborting.signal }
    const asked: Watched<unknown>[] = [
      watch(kms.encrypt({ key: 'unknown', plaintext: 'x' }, options)),
      watch(kms.keys.rotate({ key: 'orders' }, options)),
      watch(kms.keys.list({}, options)),
      watch(kms.audit.verify({}, options)),
    ]
    await settle()
    aborting.abort()
    await settle()
    const aborted = asked.filter(({ error }) => codeOf(error) === 'ABORTED')
    expect(aborted.length).toBeGreaterThanOrEqual(way === 'transact' ? 4 : 3)
  })

  test.each(['snapshot', 'transact'] as const)('in a %s: closing ends too', async (way) => {
    const { world, kms } = await hanging(way)
    const use = watch(kms.encrypt({ key: 'others', plaintext: 'x' }))
    const closing = watch(kms.close())
    await aMinute(world, () => closing.state !== 'pending' && use.state !== 'pending')
    expect([use.state, closing.state]).toEqual(['failed', 'done'])
    const later = watch(kms.encrypt({ key: 'orders', plaintext: 'x' }))
    await settle()
    expect(codeOf(later.error)).toBe('CLOSED')
  })

  test.each([true, false])('that answers again is used again (it heard the abort: %s)', async (hears) => {
    const world = new World()
    const between: Between = {}
    const kms = await world.open({ between })
    between.transact = async (_, signal) =>
      new Promise((_resolve, reject) => {
        const abandoned = new StorageFailure('abandoned', { transient: true, outcome: 'none' })
        if (hears) signal?.addEventListener('abort', () => reject(abandoned))
      })
    const first = watch(kms.generateRandom({ numberOfBytes: 1 }))
    await aMinute(world, () => first.state === 'failed')
    delete between.transact
    const others = Array.from({ length: 3 }, () => watch(kms.generateRandom({ numberOfBytes: 1 })))
    await aMinute(world, () => others.every(({ state }) => state !== 'pending'))
    expect(codeOf(first.error)).toBe('AUDIT_UNAVAILABLE')
    expect(others.map(({ state, error }) => [state, codeOf(error)])).toEqual(others.map(() => ['done', undefined]))
  })
})

describe('E72 what hangs while the KMS is opened', () => {
  const opening = async (options: Partial<KmsOptions> & { between?: Between }): Promise<unknown> => {
    const world = new World()
    const watched = watch(world.open(options))
    await aMinute(world, () => watched.state !== 'pending')
    return codeOf(watched.error)
  }

  test.each(['snapshot', 'transact'] as const)('the storage, in a %s', async (way) => {
    expect(await opening({ between: { [way]: never } })).toBe('STORAGE_UNAVAILABLE')
  })

  test.each(['open'] as const)('the storage, in its %s', async (way) => {
    const storage: StorageAdapter = Object.assign(new World().shelf.adapter(), { [way]: never })
    expect(await opening({ storage })).toBe('STORAGE_UNAVAILABLE')
  })

  test.each(['describe', 'wrap'] as const)('the root key, in its %s', async (way) => {
    const [wrap, unwrap] = [rootKey.wrap.bind(rootKey), rootKey.unwrap.bind(rootKey)]
    const honest = { describe: rootKey.describe.bind(rootKey), wrap, unwrap }
    expect(await opening({ rootKey: { ...honest, [way]: never } })).toBe('ROOT_KEY_UNAVAILABLE')
  })
})
