import type { StorageAdapter, StorageTransaction } from '@chatelaine/core/storage'
import type { Alteration } from './altered.ts'

type Write<T> = (tx: StorageTransaction) => Promise<T>
type Do = (tx: StorageTransaction) => Promise<void>

/** A transaction that only gathers what it is to do, and reads what was there when it was asked. */
function gathering(own: StorageAdapter): { readonly tx: StorageTransaction; readonly done: Do[] } {
  const done: Do[] = []
  const check = (work: Do): Promise<void> =>
    own
      .transact('', async (tx) => {
        for (const before of done) await before(tx)
        await work(tx)
        throw new Undone()
      })
      .catch((error: unknown) => {
        if (!(error instanceof Undone)) throw error
        done.push(work)
      })
  const read = <T>(work: (tx: StorageTransaction) => Promise<T>): Promise<T> => {
    let result: T
    return own
      .transact('', async (tx) => {
        for (const before of done) await before(tx)
        result = await work(tx)
        throw new Undone()
      })
      .catch((error: unknown) => {
        if (error instanceof Undone) return result
        throw error
      })
  }
  const tx: StorageTransaction = {
    get: (table, key) => read((real) => real.get(table, key)),
    range: (table, range) => read((real) => real.range(table, range)),
    insert: (table, row) => check((real) => real.insert(table, row)),
    replace: (table, row, rev) => check((real) => real.replace(table, row, rev)),
    remove: (table, key, rev) => check((real) => real.remove(table, key, rev)),
    append: (table, rows) => check((real) => real.append(table, rows)),
    savepoint: async (step) => {
      const before = done.length
      try {
        return await step()
      } catch (error) {
        done.length = before
        throw error
      }
    },
  }
  return { tx, done }
}

class Undone extends Error {}

/** Applies what was gathered, over whatever others have done meanwhile. */
async function overwrite(own: StorageAdapter, done: readonly Do[]): Promise<void> {
  await own.transact('', async (real) => {
    const blind: StorageTransaction = {
      ...real,
      replace: async (table, row) => {
        const found = await real.get(table, [row['tenant'] ?? '', row['id'] ?? ''])
        await real.replace(table, row, Number(found?.['rev']))
      },
    }
    for (const work of done) await work(blind)
  })
}

/** Transactions run side by side; of two that change a row the second one wins. */
export function sideBySide(isQueued: boolean): Alteration {
  let last: Promise<unknown> = Promise.resolve()
  return {
    adapter: (own) => {
      const run = async <T>(write: Write<T>): Promise<T> => {
        const { tx, done } = gathering(own)
        const result = await write(tx)
        await overwrite(own, done)
        return result
      }
      return {
        transact: (tenant, write, options) => {
          if (options?.signal !== undefined) return own.transact(tenant, write, options)
          const next = isQueued ? last.then(() => run(write)) : run(write)
          last = next.catch(() => undefined)
          return next
        },
      }
    },
  }
}
