import type { Query } from './state/query.ts'
import type { RevisedRow } from './state/row-writer.ts'
import type { StateView } from './state/view.ts'

/** Rows that an operation's result stands on, besides its claims: it is done again when one of them has changed. */
export class Facts {
  readonly #seen: { readonly query: Query<RevisedRow | undefined>; readonly rev: number }[] = []

  /** Reads a row, or its absence, and remembers at which revision it was. */
  async read<R extends RevisedRow>(view: StateView, query: Query<R | undefined>): Promise<R | undefined> {
    const row = await view.read(query)
    this.#seen.push({ query, rev: row?.rev ?? 0 })
    return row
  }

  /** Whether every row is as it was. */
  async hold(view: StateView): Promise<boolean> {
    for (const { query, rev } of this.#seen) if (((await view.read(query))?.rev ?? 0) !== rev) return false
    return true
  }
}
