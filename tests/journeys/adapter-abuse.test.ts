import { createKms, generateRootKey, localRootKey } from '@chatelaine/core'
import type { Kms } from '@chatelaine/core'
import type { Row, StorageAdapter, StorageReader, StorageTransaction } from '@chatelaine/core/storage'
import { memoryStorage } from '@chatelaine/storage-memory'
import { sqliteStorage } from '@chatelaine/storage-sqlite'
import path from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { outcomeOf } from '../support/outcomes.ts'
import { scratchFolder } from '../support/sqlite-file.ts'

const deadlineMs = 500

/** How an adapter breaks its word. What it leaves out it does as it should. */
interface Abuse {
  readonly transact?: (real: () => Promise<unknown>) => unknown
  readonly snapshot?: (real: () => Promise<unknown>) => unknown
  readonly get?: (row: Row | undefined) => unknown
  readonly range?: (rows: readonly Row[]) => unknown
}

/** An adapter that somebody else wrote, which keeps its word until it is told not to. */
class Foreign implements StorageAdapter {
  readonly name = 'foreign'
  readonly #real: StorageAdapter
  abuse: Abuse = {}

  constructor(real: StorageAdapter) {
    this.#real = real
  }

  open: StorageAdapter['open'] = async (tables) => this.#real.open(tables)
  migrate = async (): Promise<void> => this.#real.migrate()
  close = async (): Promise<void> => this.#real.close()

  snapshot: StorageAdapter['snapshot'] = async (read) => {
    const real = async (): Promise<unknown> => this.#real.snapshot((view) => read(this.#reader(view)))
    return (this.abuse.snapshot?.(real) ?? real()) as never
  }

  transact: StorageAdapter['transact'] = async (tenant, write, options) => {
    const real = async (): Promise<unknown> =>
      this.#real.transact(tenant, (tx) => write(this.#reader(tx) as StorageTransaction), options)
    return (this.abuse.transact?.(real) ?? real()) as never
  }

  #reader(view: StorageReader): StorageReader {
    const { get, range } = this.abuse
    const made = Object.create(view) as Record<string, unknown>
    for (const verb of ['get', 'range', 'insert', 'replace', 'remove', 'append', 'savepoint']) {
      const real: unknown = Reflect.get(view, verb)
      if (typeof real === 'function') made[verb] = real.bind(view)
    }
    if (get !== undefined)
      made['get'] = async (...call: Parameters<StorageReader['get']>) => get(await view.get(...call))
    if (range !== undefined) {
      made['range'] = async (...call: Parameters<StorageReader['range']>) => range(await view.range(...call))
    }
    return made as unknown as StorageReader
  }
}

const never = (): Promise<never> => new Promise(() => undefined)
const each = (change: (row: Row) => unknown) => (rows: readonly Row[]) => rows.map(change)
const polluted = (row: Row): unknown =>
  Object.create({ ...row, isAdmin: true }, { rev: { value: 1, enumerable: true } })

/** What an adapter may do to the reads and to the writes. None of it may give anybody a result without a record. */
const abuses: readonly (readonly [what: string, abuse: Abuse])[] = [
  ['throws a text', { transact: () => Promise.reject('a text' as unknown as Error) }],
  ['throws undefined', { transact: () => Promise.reject(undefined as unknown as Error) }],
  ['throws a frozen error', { transact: () => Promise.reject(Object.freeze(new Error('frozen'))) }],
  [
    'throws an object that throws when it is looked at',
    {
      transact: () =>
        Promise.reject(
          new Proxy(
            {},
            {
              get: () => {
                throw new Error('looked')
              },
            },
          ),
        ),
    },
  ],
  [
    'throws before it returns a promise',
    {
      transact: () => {
        throw new TypeError('at once')
      },
    },
  ],
  ['never settles', { transact: never }],
  ['resolves without doing anything', { transact: () => Promise.resolve(undefined) }],
  [
    'resolves with something else',
    {
      transact: async (real) => {
        await real()
        return { seqs: 'forged' }
      },
    },
  ],
  [
    'runs a transaction twice',
    {
      transact: async (real) => {
        await real()
        return real()
      },
    },
  ],
  ['returns text for rows', { range: () => 'rows' }],
  ['returns undefined for rows', { range: () => undefined }],
  ['returns rows without their columns', { range: each(() => ({})) }],
  ['returns rows whose columns are inherited', { range: each(polluted) }],
  [
    'returns null for every value',
    { range: each((row) => Object.fromEntries(Object.keys(row).map((name) => [name, null]))) },
  ],
  [
    'returns text for every value',
    { range: each((row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, String(value)]))) },
  ],
  [
    'returns numbers that are none',
    { range: each((row) => ({ ...row, size: Number.NaN, revision: Number.POSITIVE_INFINITY })) },
  ],
]

/** Real work, done by the adapter on memory and on SQLite. */
const places: readonly (readonly [name: string, make: () => StorageAdapter])[] = [
  ['memory', () => memoryStorage()],
  ['SQLite', () => sqliteStorage(path.join(scratchFolder(), 'kms.db'))],
]

async function house(make: () => StorageAdapter): Promise<{ kms: Kms; storage: Foreign }> {
  const storage = new Foreign(make())
  const kms = await createKms({ storage, rootKey: localRootKey(generateRootKey()), deadlineMs })
  onTestFinished(async () => {
    storage.abuse = {}
    await kms.close()
  })
  await kms.keys.create({ name: 'orders', spec: 'AES_256' })
  return { kms, storage }
}

describe.each(places)('F100 an adapter on %s that does not keep its word', (_, make) => {
  test.each(abuses)('%s: no result without a record, an end within the deadline', async (what, abuse) => {
    const { kms, storage } = await house(make)
    storage.abuse = abuse
    const began = performance.now()
    const outcomes = await Promise.all([
      outcomeOf(kms.encrypt({ key: 'orders', plaintext: 'x' }, { requestId: 'use' })),
      outcomeOf(kms.keys.rotate({ key: 'orders' }, { requestId: 'change' })),
      outcomeOf(kms.keys.list({}, { requestId: 'read' })),
    ])
    expect(performance.now() - began).toBeLessThan(deadlineMs + 2000)
    storage.abuse = {}
    const done: string[] = []
    for (const [at, requestId] of ['use', 'change', 'read'].entries())
      if (outcomes[at]?.ok === true) done.push(requestId)
    const recorded: string[] = []
    const again = await outcomeOf(kms.encrypt({ key: 'orders', plaintext: 'y' }))
    if (again.ok) {
      for await (const { requestId, status } of kms.audit.list())
        if (status === 'SUCCESS') recorded.push(String(requestId))
      expect((await kms.audit.verify()).ok).toBe(true)
    } else expect(again.code).toMatch(/^(?:STORAGE_TAMPERED|ROLLBACK_DETECTED|AUDIT_UNAVAILABLE)$/)
    for (const requestId of done) {
      const times = recorded.filter((one) => one === requestId).length
      // The log may say more than happened when somebody else wrote it twice, and never less.
      if (what === 'runs a transaction twice') expect(times).toBeGreaterThan(0)
      else expect(times).toBe(1)
    }
  })

  test.each<[string, Abuse]>([
    ['never answers', { snapshot: never }],
    ['throws a text', { snapshot: () => Promise.reject('a text' as unknown as Error) }],
    [
      'returns a frozen row with other types',
      { get: (row) => row && Object.freeze(Object.fromEntries(Object.keys(row).map((name) => [name, {}]))) },
    ],
    ['returns an empty row', { get: (row) => row && {} }],
  ])('a snapshot that %s gives nobody anything, and the next one works', async (_what, abuse) => {
    const { kms, storage } = await house(make)
    await kms.keys.create({ name: 'unread', spec: 'AES_256', description: 'not in any cache' })
    const { ciphertext } = await kms.encrypt({ key: 'unread', plaintext: 'secret' })
    const fresh = kms.as('mallory')
    storage.abuse = abuse
    const began = performance.now()
    const outcome = await outcomeOf(fresh.decrypt({ ciphertext }))
    expect(outcome.ok).toBe(false)
    expect(performance.now() - began).toBeLessThan(deadlineMs + 2000)
    storage.abuse = {}
    expect((await kms.decrypt({ ciphertext })).plaintext.toString()).toBe('secret')
  })
})
