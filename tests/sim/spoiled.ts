import {
  StorageFailure,
  type StorageAdapter,
  type StorageReader,
  type StorageTransaction,
  type TransactOptions,
} from '@chatelaine/core/storage'
import type { World } from './world.ts'

type Spoil = (storage: StorageAdapter, world: World) => StorageAdapter
type Write<T> = (tx: StorageTransaction) => Promise<T>
/** How often a storage breaks its word, once there is something to lose. */
const rate = 0.15
const warmUpSteps = 200

/** A storage like another but for its transactions. */
function withTransact(
  storage: StorageAdapter,
  transact: <T>(tenant: string, write: Write<T>, options?: TransactOptions) => Promise<T>,
): StorageAdapter {
  return {
    name: storage.name,
    open: storage.open.bind(storage),
    migrate: storage.migrate.bind(storage),
    snapshot: storage.snapshot.bind(storage),
    close: storage.close.bind(storage),
    transact,
  }
}

/** A storage whose transactions differ in some verbs. */
function withVerbs(storage: StorageAdapter, change: (tx: StorageTransaction) => Partial<StorageTransaction>) {
  return withTransact(storage, async (tenant, write, options) =>
    storage.transact(tenant, async (tx) => write({ ...verbsOf(tx), ...change(tx) }), options),
  )
}

function verbsOf(tx: StorageTransaction): StorageTransaction {
  return {
    get: tx.get.bind(tx),
    range: tx.range.bind(tx),
    insert: tx.insert.bind(tx),
    replace: tx.replace.bind(tx),
    remove: tx.remove.bind(tx),
    append: tx.append.bind(tx),
    savepoint: tx.savepoint.bind(tx),
  }
}

/** Breaks the word once in a while. */
function sometimes(world: World, often = rate): () => boolean {
  return () => world.steps > warmUpSteps && world.chance(often)
}

const abandoned = new Error('the transaction is forgotten')

/** Storages that break the contract, each in its own way. */
export const spoils: Readonly<Record<string, Spoil>> = {
  'drops a record': (storage, world) => {
    const strikes = sometimes(world)
    return withVerbs(storage, (tx) => ({
      append: async (table, rows) => tx.append(table, strikes() ? rows.slice(1) : rows),
    }))
  },
  'drops a change of a row': (storage, world) => {
    const strikes = sometimes(world)
    return withVerbs(storage, (tx) => ({
      replace: async (table, row, rev) => (strikes() ? undefined : tx.replace(table, row, rev)),
    }))
  },
  'forgets a commit that it acknowledged': (storage, world) => {
    const strikes = sometimes(world)
    return withTransact(storage, async (tenant, write, options) => {
      if (!strikes()) return storage.transact(tenant, write, options)
      const done: { value?: unknown } = {}
      const forget: Write<unknown> = async (tx) => {
        done.value = await write(tx)
        throw abandoned
      }
      await storage.transact(tenant, forget, options).catch((error: unknown) => {
        if (error !== abandoned) throw error
      })
      return done.value as never
    })
  },
  'says that nothing was applied when it was': (storage, world) => {
    const strikes = sometimes(world)
    return withTransact(storage, async (tenant, write, options) => {
      const result = await storage.transact(tenant, write, options)
      if (strikes()) throw new StorageFailure('it was nothing', { transient: true, outcome: 'none' })
      return result
    })
  },
  'keeps what a transaction wrote that failed': (storage) =>
    withTransact(storage, async (tenant, write, options) => {
      const failed: { error?: unknown } = {}
      const keep = async (tx: StorageTransaction): Promise<unknown> => {
        try {
          return await write(tx)
        } catch (error) {
          failed.error = error
          return undefined
        }
      }
      const result = await storage.transact(tenant, keep, options)
      if (Object.hasOwn(failed, 'error')) throw failed.error as Error
      return result as never
    }),
  'shows an old state': (storage, world) => {
    const strikes = sometimes(world, 0.5)
    const spoiled = withTransact(storage, storage.transact.bind(storage))
    let old: Promise<StorageReader> | undefined
    const hold = async (): Promise<StorageReader> =>
      new Promise((resolve) => {
        void storage.snapshot(async (view) => {
          resolve(view)
          return new Promise<never>(() => undefined)
        })
      })
    return {
      ...spoiled,
      snapshot: async (read) => {
        if (!strikes()) return storage.snapshot(read)
        old ??= hold()
        return read(await old)
      },
    }
  },
}
