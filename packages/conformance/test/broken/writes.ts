import { StorageConflict, StorageFailure } from '@chatelaine/core/storage'
import type { Row, StorageTransaction, Value } from '@chatelaine/core/storage'
import type { Alteration } from './altered.ts'

const keyOf = (table: string, row: Row): Value[] | undefined =>
  table === 'things' ? [row['tenant'] ?? null, row['id'] ?? null] : undefined

/** Puts the caller's own rows in, and hands out what has become of them. */
function sharedReferences(verb: 'insert' | 'append'): Alteration {
  const given = new Map<string, Row>()
  const keep = (row: Row): void => void given.set(JSON.stringify([row['tenant'], row['id'], row['rev']]), row)
  return {
    tx: (own) => ({
      insert: async (table, row) => {
        await own.insert(table, row)
        if (verb === 'insert') keep(row)
      },
      append: async (table, rows) => {
        await own.append(table, rows)
        if (verb === 'append') rows.forEach(keep)
      },
    }),
    out: (row) => given.get(JSON.stringify([row['tenant'], row['id'], row['rev']])) ?? row,
  }
}

/** The rev that a row has, whatever the caller expected. */
const ignoredRev = (): Alteration => ({
  tx: (own) => ({
    replace: async (table, row, rev) => {
      const key = keyOf(table, row)
      const found = key === undefined ? undefined : await own.get(table, key)
      return own.replace(table, row, typeof found?.['rev'] === 'number' ? found['rev'] : rev)
    },
  }),
})

const overwritingInsert = (): Alteration => ({
  tx: (own) => ({
    insert: async (table, row) => {
      const key = keyOf(table, row)
      if (key !== undefined && !key.includes(null)) await own.remove(table, key).catch(() => undefined)
      return own.insert(table, row)
    },
  }),
})

const isClash = (error: unknown): boolean => error instanceof StorageConflict

const ignoredClash = (): Alteration => ({
  tx: (own) => ({
    insert: (table, row) =>
      own.insert(table, row).catch((error: unknown) => {
        if (!isClash(error)) throw error
      }),
  }),
})

/** After a clash the whole transaction is of no more use, as PostgreSQL would have it. */
const spoiltByClash = (): Alteration => ({
  tx: (own) => {
    let spoilt = false
    return {
      insert: async (table, row) => {
        if (spoilt) throw new StorageFailure('current transaction is aborted', { transient: false, outcome: 'none' })
        await own.insert(table, row).catch((error: unknown) => {
          spoilt = isClash(error)
          throw error
        })
      },
    }
  },
})

const clashingNulls = (): Alteration => ({
  tx: (own) => ({
    insert: async (table, row) => {
      const range = { index: 'by_label', prefix: [row['tenant'] ?? '', null], limit: 1 }
      const isSecond = table === 'things' && row['label'] === null && (await own.range(table, range)).length > 0
      if (isSecond) throw new StorageConflict('a null is like another')
      return own.insert(table, row)
    },
  }),
})

const clashAsFailure = (): Alteration => ({
  tx: (own) => ({
    insert: (table, row) =>
      own.insert(table, row).catch((error: unknown) => {
        throw isClash(error) ? new StorageFailure('duplicate key', { transient: false, outcome: 'none' }) : error
      }),
  }),
})

const flatSavepoints = (): Alteration => ({
  tx: (own) => {
    let depth = 0
    return {
      savepoint: async <T>(step: () => Promise<T>): Promise<T> => {
        depth += 1
        try {
          return await (depth > 1 ? step() : own.savepoint(step))
        } finally {
          depth -= 1
        }
      },
    }
  },
})

const silent = (tx: StorageTransaction): Partial<StorageTransaction> => ({
  savepoint: <T>(step: () => Promise<T>) => tx.savepoint(step).catch(() => undefined as T),
})

const dropLast = <T>(rows: readonly T[]): readonly T[] => (rows.length > 2 ? rows.slice(0, -1) : rows)

/** What is wrong when it writes, and who finds it. */
export const brokenWrites: readonly (readonly [string, string, () => Alteration])[] = [
  [
    'rows that go in are kept uncopied',
    'an adapter keeps no memory that its caller passed in',
    () => sharedReferences('insert'),
  ],
  [
    'rows that are appended are kept uncopied',
    'an adapter keeps no memory of rows that were appended',
    () => sharedReferences('append'),
  ],
  ['a rev is ignored', 'a replacement needs the row and the rev that it expects', ignoredRev],
  ['an update is lost', 'of two replacements that expect one rev, in two transactions, one clashes', ignoredRev],
  [
    'an insert overwrites',
    'an insert whose primary key is taken clashes, and the transaction stays usable',
    overwritingInsert,
  ],
  [
    'an insert that clashes does nothing',
    'an insert whose primary key is taken clashes, and the transaction stays usable',
    ignoredClash,
  ],
  [
    'a clash spoils the transaction',
    'an insert whose primary key is taken clashes, and the transaction stays usable',
    spoiltByClash,
  ],
  [
    'a clash is reported as another failure',
    'an insert whose place in a unique index is taken clashes, and leaves nothing',
    clashAsFailure,
  ],
  ['nulls clash', 'rows with a null in a unique index never clash', clashingNulls],
  [
    'a removal ignores the rev',
    'a removal needs the rev that it expects',
    () => ({
      tx: (own) => ({
        remove: (table, key, rev) => (table === 'locks' ? own.remove(table, key, rev) : own.remove(table, key)),
      }),
    }),
  ],
  [
    'a removal of nothing is none',
    'a removal needs the row',
    () => ({
      tx: (own) => ({
        remove: (table, key, rev) =>
          own.remove(table, key, rev).catch((error: unknown) => {
            if (!isClash(error)) throw error
          }),
      }),
    }),
  ],
  [
    'a removal is dropped',
    'indexes follow replacements and removals',
    () => ({ tx: () => ({ remove: async () => undefined }) }),
  ],
  [
    'a replacement is dropped',
    'a replacement needs the row and the rev that it expects',
    () => ({ tx: () => ({ replace: async () => undefined }) }),
  ],
  [
    'an append drops the last row',
    'rows are appended all together',
    () => ({ tx: (own) => ({ append: (table, rows) => own.append(table, dropLast(rows)) }) }),
  ],
  [
    'a unique index is none',
    'an insert whose place in a unique index is taken clashes, and leaves nothing',
    () => ({
      adapter: (own) => ({
        open: (tables) =>
          own.open(
            tables.map((table) => ({ ...table, indexes: table.indexes.map((index) => ({ ...index, unique: false })) })),
          ),
      }),
    }),
  ],
  [
    'tenants are mixed',
    'rows of two tenants with one id are two rows',
    () => ({ into: (row) => (row['tenant'] === 'other' ? { ...row, tenant: 'default' } : row) }),
  ],
  [
    'a savepoint undoes nothing',
    'a savepoint that throws undoes its own writes and nothing else, and its error is thrown on',
    () => ({ tx: () => ({ savepoint: (step) => step() }) }),
  ],
  ['a savepoint within another is none', 'savepoints nest', flatSavepoints],
  [
    'a savepoint swallows what is thrown',
    'a savepoint that throws undoes its own writes and nothing else, and its error is thrown on',
    () => ({ tx: silent }),
  ],
]
