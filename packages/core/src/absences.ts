import { late } from './audit/live-view.ts'
import { attempt, raise, type Done } from './attempt.ts'
import type { Clock, Timers } from './internal/clock.ts'
import { within } from './internal/patience.ts'
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
  readonly #parts: AbsencesParts
  readonly #proved = new Map<string, Done<undefined>>()

  constructor(parts: AbsencesParts) {
    this.#parts = parts
  }

  /** @throws NotReady, StorageTamperedError where the state lists one */
  require(absent: Absent): void {
    const name = JSON.stringify([absent.table, absent.id])
    const proved = this.#proved.get(name)
    if (proved === undefined) {
      const prepare = async (until: number): Promise<void> => {
        this.#proved.set(name, await attempt(async () => this.#prove(absent, until)))
      }
      throw new NotReady(prepare, { asksStorage: true })
    }
    if (proved.error !== undefined) raise(proved.error)
  }

  async #prove(absent: Absent, until: number): Promise<undefined> {
    const { clock, tools } = this.#parts
    for (let from: number | undefined = 0; from !== undefined;) {
      const deadlineMs = Math.max(0, until - clock.monotonic())
      from = await within({ timers: tools.timers, deadlineMs }, this.#page(absent, from), late)
    }
    return undefined
  }

  /** Looks through some buckets, and says which is next. */
  async #page({ table, id }: Absent, from: number): Promise<number | undefined> {
    return this.#parts.view.snapshot(async (reader) => {
      const { items, next } = await listEntries(reader, { tables: new Set([table]), from })
      const found = items.find(({ key }) => key.at(-1) === id)
      // It may be there by its key: whoever asks has looked for it by its id, and the index shows none.
      if (found !== undefined) throw reader.tree.tampered(table, found.key)
      return next
    })
  }
}

/** What absence is proved with. */
export interface AbsencesParts {
  readonly view: Pick<AuthenticView, 'snapshot'>
  readonly clock: Clock
  readonly tools: { readonly timers: Timers }
}
