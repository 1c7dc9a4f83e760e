import type { Row, StorageAdapter, TableDescriptor } from '@chatelaine/core/storage'
import { sampleTables } from './sample.ts'

/** Where rows are kept, such as a file or a schema: what survives the adapters that work on it. */
export interface StoragePlace {
  /** A further adapter on this place, not opened yet: what another process, or the next one, would make. */
  connect(): StorageAdapter
}

/** Makes places, and takes them away. */
export interface Places {
  create(): Promise<StoragePlace>
  destroy(place: StoragePlace): Promise<void>
}

/** An adapter on a place of its own, open and migrated, and short ways to use it. */
export class Bench {
  /** The adapter itself. */
  readonly storage: StorageAdapter
  readonly #place: StoragePlace
  readonly #places: Places
  readonly #endings: (() => Promise<void>)[]

  private constructor(place: StoragePlace, storage: StorageAdapter, from: Pick<Bench, 'parts'>) {
    const { places, endings } = from.parts
    this.storage = storage
    this.#place = place
    this.#places = places
    this.#endings = endings
  }

  /** A bench for one test, and what takes everything away that it made. */
  static async begin(places: Places): Promise<{ readonly bench: Bench; readonly end: () => Promise<void> }> {
    const endings: (() => Promise<void>)[] = []
    const end = async (): Promise<void> => {
      for (let ending = endings.pop(); ending !== undefined; ending = endings.pop()) await ending()
    }
    try {
      const place = await places.create()
      endings.push(async () => places.destroy(place))
      const bench = new Bench(place, place.connect(), { parts: { places, endings } })
      await bench.#ready()
      return { bench, end }
    } catch (error) {
      await end()
      throw error
    }
  }

  /** What the benches of a test share. */
  get parts(): { readonly places: Places; readonly endings: (() => Promise<void>)[] } {
    return { places: this.#places, endings: this.#endings }
  }

  /** Another adapter on the same place, not opened yet. It is closed when the test has ended. */
  connect(): StorageAdapter {
    return this.#connect(this.#place)
  }

  /** Another adapter on the same place, open and migrated. */
  async another(tables: readonly TableDescriptor[] = sampleTables): Promise<Bench> {
    const other = new Bench(this.#place, this.connect(), this)
    await other.storage.open(tables)
    await other.storage.migrate()
    return other
  }

  /** A place that nobody has used. Each call of what it gives is another adapter there, not opened yet. */
  async elsewhere(): Promise<() => StorageAdapter> {
    const place = await this.#places.create()
    this.#endings.push(async () => this.#places.destroy(place))
    return () => this.#connect(place)
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

  /** All rows of `things`, whosoever they are. */
  all(): Promise<Row[]> {
    return this.storage.snapshot((view) => view.range('things', { prefix: [], limit: 1000 }))
  }

  async #ready(): Promise<void> {
    this.#endings.push(async () => this.storage.close())
    const { exists } = await this.storage.open(sampleTables)
    if (exists) throw new Error('A fresh place has tables already.')
    await this.storage.migrate()
  }

  #connect(place: StoragePlace): StorageAdapter {
    const storage = place.connect()
    this.#endings.push(async () => storage.close())
    return storage
  }
}

/** Some sentences of the contract, each with what shows whether it is kept. */
export type Section = Readonly<Record<string, (bench: Bench) => Promise<void>>>
