import { tables } from '@chatelaine/core/storage'
import type { Row, StorageReader } from '@chatelaine/core/storage'
import { rowsOf, tableNamed } from './pages.ts'
import type { Problems } from './problems.ts'
import type { SaidTouch } from './record-text.ts'
import { StateTreeCheck } from './state-tree.ts'

/** Rows that come with the genesis, which is no change: the first keyring epoch, and the house's own secrets. */
const isOfGenesis = (table: string, key: readonly unknown[]): boolean =>
  table === 'secrets' || (table === 'keyring' && key[0] === 1)
/** What is changed by compare-and-set has a revision. The tree over these tables has one too, and is none of them. */
const stateTables = tables
  .filter(({ name, columns }) => columns['rev'] !== undefined && name !== 'state_tree')
  .map(({ name }) => name)

/** Counters, which the records of uses move too: those say nothing of rows. The tree says that they are as they were left. */
const counters: ReadonlySet<string> = new Set(['quota_uses', 'message_counts'])

/** What changes write beside the rows that they name: what it says is checked with these. */
const beside: ReadonlySet<string> = new Set(['key_labels'])

/** What the changes say of one row. */
interface Told {
  /** Its revision; 0 where it was removed. */
  readonly rev: number
  /** The record of the change that touched it last. */
  readonly seq: number
  /** When, and by whom, the row was made. */
  readonly made: Making | undefined
}

/** Whether uses may have moved counters of a tenant, so that the state moved between its changes. */
export async function hasCounters(view: StorageReader, tenant: string): Promise<boolean> {
  for (const table of [...counters, 'quotas']) {
    if ((await view.range(table, { prefix: [tenant], limit: 1 })).length > 0) return true
  }
  return false
}

/** Who made something, and when, as the record says it. */
export interface Making {
  readonly ts: number
  readonly actor: unknown
}

/** The fold of all changes: which rows there must be, at which revision. Holds one entry for each row of the state. */
export class Fold {
  readonly #rows = new Map<string, Told>()
  readonly #problems: Problems
  #isPartial = false

  constructor(problems: Problems) {
    this.#problems = problems
  }

  /** Changes were pruned: of rows that none of the others touched only the tree says something. */
  forget(): void {
    this.#isPartial = true
  }

  /** Takes the next row that a change touched. */
  touch({ table, key, rev }: SaidTouch, seq: number, made: Making): void {
    const name = JSON.stringify([table, ...key])
    const where = `record ${seq}: ${name}`
    const isKey = stateTables.includes(table) && key.length === tableNamed(table).primaryKey.length - 1
    if (!isKey) return this.#problems.add(`${where} is no row of the state.`)
    const isFromGenesis = isOfGenesis(table, key)
    const before = this.#rows.get(name) ?? { rev: isFromGenesis ? 1 : 0, made: undefined }
    if (this.#knowsBefore(table, name)) this.#checkStep(where, before.rev, rev)
    if (rev === 0 && !isFromGenesis) this.#rows.delete(name)
    else this.#rows.set(name, { rev, seq, made: rev === 1 ? made : before.made })
  }

  /** Compares the rows that there are with those that there must be, and with the tree over them. */
  async check(view: StorageReader, tenant: string): Promise<void> {
    const tree = new StateTreeCheck()
    for (const table of stateTables) {
      const columns = tableNamed(table).primaryKey.slice(1)
      for await (const row of rowsOf(view, table, tenant)) {
        const key = columns.map((column) => row[column])
        const name = JSON.stringify([table, ...key])
        if (counters.has(table) || beside.has(table)) this.#rows.delete(name)
        else this.#checkRow(name, row, isOfGenesis(table, key))
        tree.take(table, row)
      }
    }
    for (const [name, { rev, seq }] of this.#rows) {
      if (rev > 0) this.#problems.add(`row ${name} is missing: record ${seq} left it at revision ${rev}.`)
    }
    await tree.check(view, tenant, this.#problems)
  }

  /** Whether it is known what a change found: not of counters, nor of rows last touched by what was pruned. */
  #knowsBefore(table: string, name: string): boolean {
    return !counters.has(table) && (!this.#isPartial || this.#rows.has(name))
  }

  #checkStep(where: string, before: number, after: number): void {
    if (after !== 0) this.#problems.expect(`${where}: its revision`, after, before + 1)
    else if (before === 0) this.#problems.add(`${where} was removed, and was not there.`)
  }

  #checkRow(name: string, row: Row, isFromGenesis: boolean): void {
    const told = this.#rows.get(name) ?? (isFromGenesis ? { rev: 1, seq: 0, made: undefined } : undefined)
    this.#rows.delete(name)
    if (this.#isPartial && (told === undefined || told.seq === 0)) return
    if (told === undefined) return this.#problems.add(`row ${name} was made by no change.`)
    this.#problems.expect(`row ${name}: its revision, last touched by record ${told.seq},`, row['rev'], told.rev)
    if (told.made === undefined) return
    if ('createdAt' in row) this.#problems.expect(`row ${name}: createdAt`, row['createdAt'], told.made.ts)
    if ('createdBy' in row) this.#problems.expect(`row ${name}: createdBy`, row['createdBy'], told.made.actor)
  }
}
