import { isStorageConflict, storageFailureOf } from '@chatelaine/core/storage'
import type { Row, StorageAdapter, StorageFailure, TableDescriptor, Value } from '@chatelaine/core/storage'

const text = { type: 'text' } as const
const integer = { type: 'integer' } as const
const bytes = { type: 'bytes' } as const

/** Tables with one of everything that a descriptor can ask for. */
export const sampleTables: readonly TableDescriptor[] = [
  { name: 'locks', since: 1, columns: { tenant: text }, primaryKey: ['tenant'], indexes: [] },
  {
    name: 'things',
    since: 1,
    columns: {
      tenant: text,
      id: text,
      place: integer,
      label: { type: 'text', nullable: true },
      weight: { type: 'integer', nullable: true },
      payload: { type: 'bytes', nullable: true },
      rev: integer,
    },
    primaryKey: ['tenant', 'id'],
    indexes: [
      { name: 'by_place', columns: ['tenant', 'place'] },
      { name: 'by_label', columns: ['tenant', 'label'], unique: true },
      { name: 'by_weight', columns: ['weight', 'label'] },
    ],
  },
  {
    name: 'blobs',
    since: 1,
    columns: { digest: bytes, serial: integer, body: bytes },
    primaryKey: ['digest', 'serial'],
    indexes: [],
  },
]

/** A row of `things`. */
export function thing(id: string, values: Partial<Record<string, Value>> = {}): Row {
  return { tenant: 'default', id, place: 0, label: null, weight: null, payload: null, rev: 1, ...values } as Row
}

/** What a promise was rejected with. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise
  } catch (error) {
    return error
  }
  throw new Error('It was expected to fail.')
}

/** The failure that a promise was rejected with. */
export async function failureOf(promise: Promise<unknown>): Promise<StorageFailure> {
  const error = await rejection(promise)
  const failure = storageFailureOf(error)
  if (failure === undefined) throw new Error('It was expected to fail with a StorageFailure.', { cause: error })
  return failure
}

/** Expects a promise to be rejected with a clash. */
export async function expectConflict(promise: Promise<unknown>): Promise<void> {
  const error = await rejection(promise)
  if (!isStorageConflict(error)) throw new Error('It was expected to clash.', { cause: error })
}

/** An adapter that is open and migrated, and short ways to use it. */
export class Bench {
  /** The adapter itself. */
  readonly storage: StorageAdapter

  constructor(storage: StorageAdapter) {
    this.storage = storage
  }

  /** Inserts rows of `things` in one transaction. */
  async put(...rows: readonly Row[]): Promise<void> {
    await this.storage.transact('default', async (tx) => {
      for (const row of rows) await tx.insert('things', row)
    })
  }

  /** One row of `things`. */
  get(id: string): Promise<Row | undefined> {
    return this.storage.snapshot((view) => view.get('things', ['default', id]))
  }
}

/** The bytes of a column, copied. @throws when there are none. */
export function bytesOf(row: Row | undefined, column: string): number[] {
  const value = row?.[column]
  if (!(value instanceof Uint8Array)) throw new Error(`There are no bytes in ${column}.`)
  return [...value]
}

/** A promise, and the function that settles it. */
export function signalled(): { readonly reached: Promise<void>; readonly reach: () => void } {
  let reach = (): void => {}
  const reached = new Promise<void>((resolve) => (reach = resolve))
  return { reached, reach }
}

/** Gives the bench of the test that runs. */
export type BenchOf = () => Bench

/** Byte columns as plain lists, so that a `Buffer` equals a `Uint8Array`. */
export function plain(row: Row | undefined): unknown {
  if (row === undefined) return undefined
  const pairs = Object.entries(row).map(([name, value]) => [name, value instanceof Uint8Array ? [...value] : value])
  return Object.fromEntries(pairs)
}
