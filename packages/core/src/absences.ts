import { isKmsError } from './errors.ts'
import { attempt, raise, type Done } from './attempt.ts'
import { NotReady } from './not-ready.ts'
import { listEntries } from './state/tree/listing.ts'
import type { AuthenticView } from './walk-parts.ts'

/** Rows that there are none of: of a table, and with this as the last part of their key. */
export interface Absent {
  readonly table: string
  readonly id: string
}

/**
 * Proves for one change that there is no row with an id, where the id alone does not say in which bucket of the state
 * tree it would be: an index that shows none proves nothing. All buckets are read for it, page by page, without the lock.
 * Rows come into being under new ids only, so that what was proved stays so.
 */
export class Absences {
  readonly #view: Pick<AuthenticView, 'snapshot'>
  readonly #proved = new Map<string, Done<undefined>>()

  constructor(view: Pick<AuthenticView, 'snapshot'>) {
    this.#view = view
  }

  /** Whether the storage has not answered at the last. */
  get isUnanswered(): boolean {
    return [...this.#proved.values()].some(({ error }) => isKmsError(error, 'STORAGE_UNAVAILABLE'))
  }

  /** @throws NotReady, StorageTamperedError where the state lists one */
  require(absent: Absent): void {
    const name = JSON.stringify([absent.table, absent.id])
    const proved = this.#proved.get(name)
    if (proved === undefined) {
      throw new NotReady(async () => {
        this.#proved.set(name, await attempt(async () => this.#prove(absent)))
      })
    }
    if (proved.error !== undefined) raise(proved.error)
  }

  async #prove({ table, id }: Absent): Promise<undefined> {
    const tables = new Set([table])
    for (let from: number | undefined = 0; from !== undefined;) {
      const start: number = from
      from = await this.#view.snapshot(async (reader) => {
        const { items, next } = await listEntries(reader, { tables, from: start })
        const found = items.find(({ key }) => key.at(-1) === id)
        // It may be there by its key: whoever asks has looked for it by its id, and the index shows none.
        if (found !== undefined) throw reader.tree.tampered(table, found.key)
        return next
      })
    }
    return undefined
  }
}
