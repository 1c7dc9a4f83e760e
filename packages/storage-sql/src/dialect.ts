import type { ColumnType } from '@chatelaine/core/storage'
import type { Dialect, Expression, RawBuilder } from 'kysely'

/** What sets one SQL database apart from another. */
export interface SqlDialect {
  /** How Kysely speaks to it, the connection aside. */
  readonly kysely: Omit<Dialect, 'createDriver'>
  /** The schema that everything is in, for databases that have such. */
  readonly schema?: string | undefined
  /** Comes before the name of every table and index, so that they can live beside somebody else's. */
  readonly prefix: string
  /** What columns are declared as. */
  readonly types: Readonly<Record<ColumnType, RawBuilder<unknown>>>
  /** What ends the definition of a table. */
  readonly tableSuffix: RawBuilder<unknown>
  /** How a value is written that the statement of a range takes. @defaultValue as a placeholder */
  readonly rangeValue?: ((placeholder: RawBuilder<unknown>) => Expression<unknown>) | undefined
}
