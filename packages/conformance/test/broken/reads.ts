import type { Row, StorageReader, StorageTransaction, Value } from '@chatelaine/core/storage'
import type { Alteration } from './altered.ts'

const compareText = (left: Value, right: Value): number => (String(left) < String(right) ? -1 : 1)
const without = (row: Row, leave: (value: Value) => boolean): Row =>
  Object.fromEntries(Object.entries(row).filter(([, value]) => !leave(value)))

function sharedBuffer(): Alteration {
  const buffer = new Uint8Array(2 ** 25)
  const reuse = (value: Value): Value => {
    if (!(value instanceof Uint8Array)) return value
    buffer.set(value)
    return buffer.subarray(0, value.length)
  }
  return { out: (row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, reuse(value)])) }
}

function cachedRows(): Alteration {
  const cache = new Map<string, Row>()
  return {
    out: (row) => {
      const key = JSON.stringify([row['tenant'], row['id'], row['rev'], row['digest'], row['select']])
      if (!cache.has(key)) cache.set(key, row)
      return cache.get(key) as Row
    },
  }
}

/** Everybody sees what a transaction has written before it ends. */
function dirtyReads(): Alteration {
  let open: StorageTransaction | undefined
  return {
    adapter: (own) => ({
      snapshot: (read) => own.snapshot((view) => read(open ?? view)),
      transact: (tenant, write, options) =>
        own.transact(
          tenant,
          (tx) => {
            open = tx
            return write(tx).finally(() => (open = undefined))
          },
          options,
        ),
    }),
  }
}

/** Each read is a snapshot of its own. */
const movingSnapshots = (): Alteration => ({
  adapter: (own) => ({
    snapshot: (read) => {
      const view: StorageReader = {
        get: (table, key) => own.snapshot((now) => now.get(table, key)),
        range: (table, range) => own.snapshot((now) => now.range(table, range)),
      }
      return own.snapshot(() => read(view))
    },
  }),
})

/** A row that was read once is never read again. */
function staleSnapshots(): Alteration {
  const seen = new Map<string, Row | undefined>()
  return {
    adapter: (own) => ({
      snapshot: (read) =>
        own.snapshot((view) =>
          read({
            ...view,
            get: async (table, key) => {
              const name = JSON.stringify([table, key])
              if (!seen.has(name)) seen.set(name, await view.get(table, key))
              return seen.get(name)
            },
          }),
        ),
    }),
  }
}

/** Snapshots wait for transactions, and transactions for snapshots. */
function oneAtATime(): Alteration {
  let last: Promise<unknown> = Promise.resolve()
  const queue = <T>(work: () => Promise<T>): Promise<T> => {
    const next = last.then(work)
    last = next.catch(() => undefined)
    return next
  }
  return { adapter: (own) => ({ snapshot: (read) => queue(() => own.snapshot(read)) }) }
}

const sortedBy = (column: string): Alteration => ({
  found: (rows, { order }) => {
    if (rows.length === 0 || rows[0]?.[column] === undefined) return rows
    const sorted = rows.toSorted((left, right) => compareText(left[column] ?? null, right[column] ?? null))
    return order === 'desc' ? sorted.toReversed() : sorted
  },
})

/** What is wrong when it reads, and who finds it. */
export const brokenReads: readonly (readonly [string, string, () => Alteration])[] = [
  [
    'bytes come out of one buffer',
    'what was handed out stays what it was, whatever is read and written afterwards',
    sharedBuffer,
  ],
  ['rows come out of a cache, uncopied', 'what is handed out belongs to the caller', cachedRows],
  ['reads are dirty', 'a snapshot sees every transaction that has returned, and none that is under way', dirtyReads],
  ['a snapshot moves', 'a snapshot sees one committed state, whatever is written meanwhile', movingSnapshots],
  [
    'a snapshot is stale',
    'a snapshot sees every transaction that has returned, and none that is under way',
    staleSnapshots,
  ],
  ['snapshots wait for each other', 'sixteen snapshots run side by side, with a transaction', oneAtATime],
  [
    'text is ordered by UTF-16',
    'text is ordered by its UTF-8 bytes, where UTF-16 has another order',
    () => sortedBy('id'),
  ],
  ['integers are ordered as text', 'integers are ordered by value', () => sortedBy('place')],
  [
    'null is missing',
    'a row is a plain object with exactly the columns of its table, absent values as null',
    () => ({
      out: (row) => without(row, (value) => value === null),
    }),
  ],
  [
    'a column is there that is none',
    'a row is a plain object with exactly the columns of its table, absent values as null',
    () => ({
      out: (row) => ({ ...row, rowid: row['rowid'] ?? 1 }),
    }),
  ],
  [
    'absence is null',
    'absence is undefined',
    () => ({
      view: (own) => ({ get: async (table, key) => (await own.get(table, key)) ?? (null as unknown as undefined) }),
    }),
  ],
  [
    'bytes are base64',
    'bytes come back as bytes and integers as numbers',
    () => ({
      out: (row) =>
        row['payload'] instanceof Uint8Array
          ? { ...row, payload: Buffer.from(row['payload']).toString('base64') }
          : row,
    }),
  ],
  [
    'a range ignores its limit',
    'a range gives at most as many rows as it is asked for',
    () => ({
      asked: (range) => ({ ...range, limit: range.limit > 0 && range.limit < 1000 ? 1000 : range.limit }),
    }),
  ],
  [
    'a range ends a row early',
    'a range gives up to 1,000 rows',
    () => ({
      found: (rows, { limit }) => rows.slice(0, Math.max(1, limit - 1)),
    }),
  ],
  [
    'a bound is inclusive',
    'a bound is exclusive, upwards and downwards',
    () => ({
      asked: ({ after, ...range }) => (after?.length === 1 && range.index === undefined ? range : { ...range, after }),
      found: (rows, { after, index, prefix, order }) => {
        if (after?.length !== 1 || index !== undefined || prefix.length !== 1) return rows
        const [bound] = after
        return rows.filter(({ id }) => (order === 'desc' ? String(id) <= String(bound) : String(id) >= String(bound)))
      },
    }),
  ],
  [
    'a bound is compared column by column',
    'a bound of several columns is compared as one',
    () => ({
      asked: (range) =>
        range.index === 'by_place' && range.after?.length === 2 ? { ...range, after: [range.after[0] ?? 0] } : range,
    }),
  ],
  [
    'a range always goes up',
    'a range goes downwards when it is told to',
    () => ({
      asked: (range) => ({ ...range, order: 'asc' }),
    }),
  ],
  [
    'a prefix is one of text',
    'a prefix fixes the first columns and lets nothing else in',
    () => ({
      asked: (range) =>
        typeof range.prefix[0] === 'string' && range.prefix.length === 1
          ? { ...range, prefix: [], after: undefined, index: undefined }
          : range,
      found: (rows, { prefix: [first] }) =>
        rows.filter(({ tenant }) => first === undefined || String(tenant).startsWith(String(first))),
    }),
  ],
  [
    'null comes last',
    'null comes before every value',
    () => ({
      found: (rows, { index }) =>
        index === 'by_label'
          ? rows.toSorted((left, right) => Number(left['label'] === null) - Number(right['label'] === null))
          : rows,
    }),
  ],
  [
    'a view outlives its snapshot',
    'a view that is over can be used no more',
    () => ({
      adapter: (own) => ({
        snapshot: (read) =>
          own.snapshot((view) => {
            const lasting: StorageReader = {
              get: (table, key) => view.get(table, key).catch(() => own.snapshot((other) => other.get(table, key))),
              range: (table, range) => view.range(table, range),
            }
            return read(lasting)
          }),
      }),
    }),
  ],
]
