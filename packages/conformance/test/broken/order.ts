import type { StorageTransaction } from '@chatelaine/core/storage'
import type { Alteration } from './altered.ts'

/** Rows come a while after they were asked for, and what is asked for next overtakes them. */
const overtaken = (): Alteration => ({
  tx: (own) => ({
    append: async (table, rows) => {
      await new Promise((resolve) => void setImmediate(resolve))
      return own.append(table, rows)
    },
  }),
})

/** The last of many rows come in a message of their own. */
const inParts = (): Alteration => ({
  tx: (own) => ({
    append: async (table, rows) => {
      await own.append(table, rows.slice(0, 256))
      if (rows.length > 256) await own.append(table, rows.slice(256))
    },
  }),
})

/** Answers what is asked early without the lock. */
const impatient = (): Alteration => ({
  adapter: (own) => ({
    transact: (tenant, write, options) =>
      options?.early === true
        ? own.snapshot(async (view) => write(view as StorageTransaction))
        : own.transact(tenant, write, options),
  }),
})

/** Answers early questions once it has the lock, and forgets what it was to write. */
const forgetful = (): Alteration => ({
  adapter: (own) => ({
    transact: async (tenant, write, options) => {
      if (options?.early !== true) return own.transact(tenant, write, options)
      const { promise: locked, resolve } = Promise.withResolvers<StorageTransaction>()
      const worked = write({
        get: async (table, key) => (await locked).get(table, key),
        append: async () => undefined,
      } as Partial<StorageTransaction> as StorageTransaction)
      return own.transact(tenant, async (tx) => {
        resolve(tx)
        return worked
      })
    },
  }),
})

/** What is wrong with the order in which things are done, and who finds it. */
export const brokenOrder: readonly (readonly [string, string, () => Alteration])[] = [
  ['what comes next overtakes an append', 'what is asked for in one go is done in that order', overtaken],
  [
    'what comes next overtakes the last of many rows',
    'what is asked for in one go with many rows comes after the last of them',
    inParts,
  ],
  [
    'what is asked early is answered at once',
    'what a transaction asks early is answered when no other has the lock, and not before',
    impatient,
  ],
  [
    'what is written early is lost',
    'what a transaction writes early takes effect when no other has the lock, and not before',
    forgetful,
  ],
]
