import { StorageConflict, storageFailureOf } from '@chatelaine/core/storage'
import type { StorageTransaction, TableDescriptor } from '@chatelaine/core/storage'
import type { Alteration } from './altered.ts'
import { sideBySide } from './side-by-side.ts'

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))

type Write<T> = (tx: StorageTransaction) => Promise<T>

/** Says that it is done, and does it afterwards. */
const early: () => Alteration = () => ({
  adapter: (own) => ({
    transact: <T>(tenant: string, write: Write<T>, options?: { readonly signal?: AbortSignal | undefined }) =>
      new Promise<T>((resolve, reject) => {
        own
          .transact(
            tenant,
            async (tx) => {
              const result = await write(tx)
              resolve(result)
              await turn()
              return result
            },
            options,
          )
          .catch(reject)
      }),
  }),
})

const keptAfterThrow = (): Alteration => ({
  adapter: (own) => ({
    transact: async <T>(tenant: string, write: Write<T>): Promise<T> => {
      const outcome = await own.transact(tenant, async (tx) => {
        try {
          return { value: await write(tx) }
        } catch (error) {
          return { error }
        }
      })
      if ('error' in outcome) throw outcome.error
      return outcome.value
    },
  }),
})

/** Commits what is there when the last word is said, whatever fails. */
const hasty = (): Alteration => ({
  adapter: (own) => ({
    transact: async <T>(tenant: string, write: Write<T>, options?: object): Promise<T> => {
      let said = false
      const outcome = await own.transact(
        tenant,
        async (tx) => {
          try {
            return { value: await write({ ...tx, last: () => void (said = true) }) }
          } catch (error) {
            if (said) return { error }
            throw error
          }
        },
        options,
      )
      if ('error' in outcome) throw outcome.error
      return outcome.value
    },
  }),
})

const triedAgain = (): Alteration => ({
  adapter: (own) => ({
    transact: (tenant, write, options) =>
      own.transact(tenant, write, options).catch((error: unknown) => {
        if (storageFailureOf(error)?.transient === true && options === undefined) return own.transact(tenant, write)
        throw error
      }),
  }),
})

const isMistake = (error: unknown): boolean => error instanceof StorageConflict || storageFailureOf(error) !== undefined

const swallowed = (): Alteration => ({
  adapter: (own) => ({
    transact: <T>(tenant: string, write: Write<T>, options?: object) =>
      own.transact(tenant, write, options).catch((error: unknown) => {
        if (isMistake(error)) throw error
        return undefined as T
      }),
  }),
})

const wrapped = (): Alteration => ({
  adapter: (own) => ({
    transact: (tenant, write, options) =>
      own.transact(tenant, write, options).catch((error: unknown) => {
        throw isMistake(error) ? error : new Error('The transaction failed.', { cause: error })
      }),
  }),
})

/** Ends at once, whatever is running, and says nothing of what it cut off. */
function closedAtOnce(): Alteration {
  return { adapter: (own) => ({ close: async () => void own.close() }) }
}

const withoutLater = (tables: readonly TableDescriptor[]): readonly TableDescriptor[] =>
  tables.filter(({ since }) => since === 1)

/** What is wrong with how things begin and end, and who finds it. */
export const brokenEnds: readonly (readonly [string, string, () => Alteration])[] = [
  [
    'transactions run side by side',
    'from before its first read until its commit no other transaction of the tenant runs',
    () => sideBySide(false),
  ],
  ['counts are lost', 'transactions of one tenant run one after the other, and none is lost', () => sideBySide(false)],
  ['each process has a lock of its own', 'counting by several processes loses no count', () => sideBySide(true)],
  [
    'it returns before it commits',
    'a snapshot sees every transaction that has returned, and none that is under way',
    early,
  ],
  ['what throws is kept', 'a transaction that throws leaves nothing, and its error is thrown on', keptAfterThrow],
  [
    'what throws is kept, when it is given up',
    'an abort before the function has returned undoes what it did',
    keptAfterThrow,
  ],
  [
    'what it was given is kept after the last word, whatever fails',
    'a transaction of which something fails after its last word leaves nothing',
    hasty,
  ],
  ['errors are swallowed', 'a transaction that throws leaves nothing, and its error is thrown on', swallowed],
  ['errors are wrapped', 'a transaction that throws leaves nothing, and its error is thrown on', wrapped],
  ['it tries again by itself', 'a transaction is never tried again by the adapter', triedAgain],
  [
    'it closes without waiting',
    'closing waits for what is running, and what was running works to its end',
    closedAtOnce,
  ],
  [
    'opening makes the tables',
    'opening makes no tables, and says whether there are any',
    () => ({
      adapter: (own) => ({
        open: async (tables) => {
          const facts = await own.open(tables)
          if (!facts.exists) await own.migrate()
          return facts
        },
      }),
    }),
  ],
  [
    'it never finds its tables',
    'what a transaction wrote is there after closing and opening again',
    () => ({
      adapter: (own) => ({
        open: async (tables) => {
          await own.open(tables)
          return { exists: false }
        },
      }),
    }),
  ],
  [
    'tables that come later are not made',
    'a later version adds its tables, and keeps what is there',
    () => ({ adapter: (own) => ({ open: (tables) => own.open(withoutLater(tables)) }) }),
  ],
  [
    'it can be closed once',
    'closing may be done twice, and ends all use',
    () => ({
      adapter: (own) => {
        let isClosed = false
        return {
          close: async () => {
            if (isClosed) throw new Error('It is closed already.')
            isClosed = true
            await own.close()
          },
        }
      },
    }),
  ],
]
