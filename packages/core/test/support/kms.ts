import { memoryStorage } from '@chatelaine/storage-memory'
import { expect } from 'vitest'
import {
  createKms,
  isKmsError,
  KmsError,
  localRootKey,
  type AuditRecord,
  type Kms,
  type KmsClient,
  type KmsErrorCode,
  type KmsOptions,
  type StorageAdapter,
} from '../../src/index.ts'
import type { Row, Value } from '../../src/storage.ts'
import { tables } from '../../src/storage/tables.ts'
import { fakeClock, seededRandomness, type FakeClock } from '../../src/testing.ts'
import { authenticate } from './re-root.ts'

/** A day, in milliseconds. */
export const day = 86_400_000

/** The root key of every test. */
export const rootKeyText = '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f'

/** Called before a verb of the storage runs; may wait, and may throw. */
export type Hook = (verb: 'snapshot' | 'transact') => void | Promise<void>

/** One database in memory that several KMS share, each as if in a process of its own, and that a test can look into. */
export class Database {
  readonly #memory = memoryStorage()
  #exists = false

  /** A connection for one KMS. */
  connect(hook: Hook = () => undefined): StorageAdapter {
    const memory = this.#memory
    return {
      name: 'memory',
      open: async (descriptors) => {
        const exists = this.#exists
        if (!exists) await memory.open(descriptors)
        this.#exists = true
        return { exists }
      },
      migrate: async () => memory.migrate(),
      snapshot: async (read) => {
        await hook('snapshot')
        return memory.snapshot(read)
      },
      transact: async (tenant, write, options) => {
        await hook('transact')
        return memory.transact(tenant, write, options)
      },
      close: async () => undefined,
    }
  }

  /** Rows as they are stored, in the order of their primary key. */
  async rows(table: string, prefix: readonly Value[] = ['default']): Promise<Row[]> {
    return this.#memory.snapshot(async (reader) => reader.range(table, alone({ prefix, limit: 1000 })))
  }

  /** Every row of every table, and of every tenant. */
  async everything(): Promise<Row[]> {
    const all = await Promise.all(tables.map(async ({ name }) => this.rows(name, [])))
    return all.flat()
  }

  /**
   * Changes columns of stored rows behind the library's back, as if it had done so itself: the state tree is of them.
   * Only a KMS that is opened afterwards sees it.
   */
  async plant(table: string, which: (row: Row) => boolean, columns: Row): Promise<void> {
    const rows = (await this.rows(table)).filter(which)
    await this.#memory.transact('default', async (tx) => {
      for (const row of rows) await tx.replace(table, { ...row, ...columns }, row['rev'] as number)
      await authenticate(tx, { table, rootKeyText })
    })
    expect(rows.length).toBeGreaterThan(0)
  }

  /** Adds a row behind the library's back, in the same way. */
  async add(table: string, row: Row): Promise<void> {
    await this.#memory.transact('default', async (tx) => {
      await tx.insert(table, row)
      await authenticate(tx, { table, rootKeyText })
    })
  }

  /** Removes a row behind the library's back. */
  async remove(table: string, key: readonly Value[]): Promise<void> {
    await this.#memory.transact('default', async (tx) => tx.remove(table, key))
  }

  /** What was recorded, as it is stored, from a place on. */
  async records(tenant = 'default', from = 0): Promise<AuditRecord[]> {
    const found: Row[] = []
    for (;;) {
      const range = alone({ prefix: [tenant], after: [from + found.length - 1], limit: 1000 })
      const page = await this.#memory.snapshot(async (reader) => reader.range('records', range))
      found.push(...page)
      if (page.length < 1000) return found.map((row) => JSON.parse(row['text'] as string) as AuditRecord)
    }
  }

  /** How many records there are. */
  async size(tenant = 'default'): Promise<number> {
    const range = alone({ prefix: [tenant], order: 'desc' as const, limit: 1 })
    const [last] = await this.#memory.snapshot(async (reader) => reader.range('records', range))
    return last === undefined ? 0 : (last['seq'] as number) + 1
  }
}

/** An object without a prototype, so that what is put on prototypes does not show. */
function alone<T extends object>(value: T): T {
  return Object.assign(Object.create(null) as T, value)
}

/** A KMS on memory with fakes, and what the test needs to move them. */
export interface World {
  readonly kms: Kms
  readonly clock: FakeClock
  readonly db: Database
  /** Another KMS on the same database, as another process would open it. */
  again(options?: Partial<KmsOptions>, hook?: Hook): Promise<Kms>
}

/** Makes a world. */
export async function makeWorld(options: Partial<KmsOptions> = {}, hook?: Hook): Promise<World> {
  const db = new Database()
  const clock = fakeClock()
  let opened = 0
  const again = async (more: Partial<KmsOptions> = {}, ownHook?: Hook): Promise<Kms> =>
    createKms({
      storage: db.connect(ownHook),
      rootKey: localRootKey(rootKeyText),
      clock,
      timers: clock,
      random: seededRandomness(`process ${opened++}`),
      ...options,
      ...more,
    })
  return { kms: await again({}, hook), clock, db, again }
}

/** Somebody in the house: a service unless said otherwise. */
export function actor(kms: Kms, id: string, role: 'admin' | 'service' | 'auditor' = 'service'): KmsClient {
  return kms.as({ id, role })
}

/** What a promise comes to, be it a value or an error. */
export async function settle(promise: PromiseLike<unknown>): Promise<unknown> {
  try {
    return await promise
  } catch (error) {
    return error
  }
}

/** Expects an error of ours with this code, and gives it. */
export async function expectCode(promise: PromiseLike<unknown>, code: KmsErrorCode): Promise<KmsError> {
  const outcome = await settle(promise)
  const found = isKmsError(outcome) ? outcome.code : `no error of ours: ${String(outcome)}`
  expect(found).toBe(code)
  expect(outcome).toBeInstanceOf(KmsError)
  return outcome as KmsError
}

/** What came of it: `ok`, or the code of the error. */
export async function outcomeOf(promise: PromiseLike<unknown>): Promise<string> {
  const outcome = await settle(promise)
  if (isKmsError(outcome)) return outcome.code
  return outcome instanceof Error ? `${outcome.name}: ${outcome.message}` : 'ok'
}

/** The records that some work made, whether it succeeded or was refused. Whatever else it throws is thrown on. */
export async function recordsOf(world: World, work: () => PromiseLike<unknown>): Promise<AuditRecord[]> {
  const before = await world.db.size()
  const outcome = await settle(work())
  if (outcome instanceof Error && !isKmsError(outcome)) throw outcome
  return world.db.records('default', before)
}

/** The one record that some work made. */
export async function recordOf(world: World, work: () => PromiseLike<unknown>): Promise<AuditRecord> {
  const records = await recordsOf(world, work)
  expect(records.map(({ action, status }) => ({ action, status }))).toHaveLength(1)
  return records[0] as AuditRecord
}

/** Holds back what a KMS asks of its storage while it is shut. */
export interface Gate {
  readonly hook: Hook
  shut(): void
  open(): void
}

/** A gate before one verb of the storage. */
export function makeGate(held: 'snapshot' | 'transact' = 'transact'): Gate {
  let waiting: Promise<void> | undefined
  let letThrough = (): void => undefined
  return {
    hook: async (verb) => (verb === held ? waiting : undefined),
    shut: () => {
      waiting = new Promise((resolve) => {
        letThrough = resolve
      })
    },
    open: () => {
      waiting = undefined
      letThrough()
    },
  }
}

/** Lets everything that is ready have its turn, several times over. */
export async function turns(count = 8): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => void setImmediate(resolve))
}

/** Moves a clock on, millisecond by millisecond, until some work that waits for it is done. */
export async function moving<T>(clock: FakeClock, work: Promise<T>): Promise<T> {
  let done = false
  const settled = work.finally(() => {
    done = true
  })
  while (!done) {
    await turns(1)
    clock.advance(1)
  }
  return settled
}
