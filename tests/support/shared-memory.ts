import { StorageFailure } from '@chatelaine/core/storage'
import type { StorageAdapter, TableDescriptor } from '@chatelaine/core/storage'
import { memoryStorage } from '@chatelaine/storage-memory'

const refuse = (message: string): never => {
  throw new StorageFailure(message, { transient: false, outcome: 'none' })
}

/**
 * Memory that several instances open as if it were one database. It outlives them all, and nothing else: it stands for
 * what a disk is to the other storages, so that whatever needs a second process or a next one can be run in memory.
 */
export function sharedMemory(): () => StorageAdapter {
  const place = new Place()
  return () => new Instance(place)
}

/** What instances share: one storage, made anew with more tables when a later version asks for them. */
class Place {
  memory: StorageAdapter | undefined
  #tables: readonly TableDescriptor[] = []

  get exists(): boolean {
    return this.memory !== undefined
  }

  /** Whether it was made for tables that these descriptors do not know. */
  isNewerThan(tables: readonly TableDescriptor[]): boolean {
    return this.#tables.some(({ name }) => !tables.some((table) => table.name === name))
  }

  #making: Promise<unknown> = Promise.resolve()

  async migrate(tables: readonly TableDescriptor[]): Promise<void> {
    const making = this.#making.then(async () => this.#migrate(tables))
    this.#making = making.catch(() => undefined)
    return making
  }

  async #migrate(tables: readonly TableDescriptor[]): Promise<void> {
    if (tables.every(({ name }) => this.#tables.some((table) => table.name === name))) return
    const next = memoryStorage()
    await next.open(tables)
    await next.migrate()
    const old = this.memory
    for (const { name, primaryKey } of old === undefined ? [] : this.#tables) {
      await next.transact('', async (tx) => {
        const rows = await old?.snapshot((view) => view.range(name, { prefix: [], limit: 1000 }))
        if (rows?.length === 1000) refuse(`${name} is too large to be given to a later version: ${primaryKey.join()}`)
        await tx.append(name, rows ?? [])
      })
    }
    this.memory = next
    this.#tables = tables
  }
}

/** One instance: opened and closed by itself, as a connection to a database is. */
class Instance implements StorageAdapter {
  readonly name = 'shared memory'
  readonly #place: Place
  readonly #running = new Set<Promise<unknown>>()
  #tables: readonly TableDescriptor[] = []
  #closed = false

  constructor(place: Place) {
    this.#place = place
  }

  async open(tables: readonly TableDescriptor[]): Promise<{ readonly exists: boolean }> {
    if (this.#place.isNewerThan(tables)) refuse('The tables are of a later version.')
    this.#tables = tables
    return { exists: this.#place.exists }
  }

  async migrate(): Promise<void> {
    if (this.#place.isNewerThan(this.#tables)) refuse('The tables are of a later version.')
    await this.#place.migrate(this.#tables)
  }

  snapshot: StorageAdapter['snapshot'] = async (read) => this.#run((memory) => memory.snapshot(read))

  transact: StorageAdapter['transact'] = async (tenant, write, options) =>
    this.#run((memory) => memory.transact(tenant, write, options))

  async close(): Promise<void> {
    this.#closed = true
    await Promise.allSettled(this.#running)
  }

  async #run<T>(work: (memory: StorageAdapter) => Promise<T>): Promise<T> {
    const { memory } = this.#place
    if (this.#closed || memory === undefined) return refuse('It is closed, or there are no tables yet.')
    const running = work(memory).finally(() => this.#running.delete(running))
    this.#running.add(running)
    return running
  }
}
