import type { RecordDraft } from '../record.ts'
import { addTo, callsOf, countIn, noNumbers, noTimedNumbers, type Measured, type Numbers } from './numbers.ts'

/** What a record tells of itself to be counted. */
export interface Counted {
  readonly draft: Pick<RecordDraft, CountedFields> & { readonly actor: { readonly id: string } }
  readonly durationMs: number
  /** Time of the record. */
  readonly at: number
}

type CountedFields = 'action' | 'status' | 'code' | 'reason' | 'keyId' | 'owner' | 'counts' | 'details'

/** What a draft says itself, and no prototype. */
export function own<N extends CountedFields>(draft: Counted['draft'], name: N): Counted['draft'][N] | undefined {
  return Object.hasOwn(draft, name) ? draft[name] : undefined
}

/** By what series are kept, besides the operations themselves. */
export const seriesKinds = ['keys', 'principals', 'owners'] as const
/** One of them. */
export type SeriesKind = (typeof seriesKinds)[number]

/** Numbers by operation. */
export type ByAction = Map<string, Numbers>
/** Numbers by the name of a series, and by operation. */
export type Series = Map<string, ByAction>

/** Most series of one kind in a row: of more, the smallest are added up under the empty name. */
export const maxSeries = 3000
/** Most reasons of failures in a row, in the same way. */
export const maxReasons = 300

/** Counts of some records. */
export class Tally {
  readonly totals: ByAction = new Map()
  /** How often something was refused or failed, by code and reason. */
  readonly reasons = new Map<string, number>()
  readonly series: Readonly<Record<SeriesKind, Series>> = { keys: new Map(), principals: new Map(), owners: new Map() }

  /** Counts of these records. */
  static of(records: readonly Counted[]): Tally {
    const tally = new Tally()
    for (const record of records) tally.#count(record)
    return tally
  }

  /** Adds the counts of other records. */
  add(other: Tally): void {
    addActions(this.totals, other.totals)
    for (const [reason, count] of other.reasons) this.reasons.set(reason, (this.reasons.get(reason) ?? 0) + count)
    for (const kind of seriesKinds) addSeries(this.series[kind], other.series[kind])
  }

  #count({ draft, durationMs, at }: Counted): void {
    const { status, action, actor } = draft
    const counts = own(draft, 'counts')
    const keyId = own(draft, 'keyId')
    const owner = own(draft, 'owner')
    const isOk = status === 'SUCCESS'
    const measured = {
      status,
      durationMs,
      at,
      itemsOk: counts?.ok ?? (isOk ? 1 : 0),
      itemsFailed: counts?.failed ?? (isOk ? 0 : 1),
    }
    count(this.totals, action, measured)
    countSeries(this.series.principals, actor.id, { action, measured })
    if (keyId !== undefined) countSeries(this.series.keys, keyId, { action, measured })
    if (owner !== undefined) countSeries(this.series.owners, owner, { action, measured })
    if (!isOk) this.#reason(draft)
  }

  #reason(draft: Counted['draft']): void {
    const name = `${own(draft, 'code') ?? ''}|${own(draft, 'reason') ?? ''}`
    this.reasons.set(name, (this.reasons.get(name) ?? 0) + 1)
  }
}

/** Adds numbers by operation to others. */
export function addActions(to: ByAction, from: ByAction): void {
  for (const [action, numbers] of from) {
    const known = to.get(action)
    if (known === undefined) to.set(action, [...numbers])
    else addTo(known, numbers)
  }
}

/** Adds series to others. */
export function addSeries(to: Series, from: Series): void {
  for (const [name, actions] of from) {
    const known = to.get(name) ?? new Map<string, Numbers>()
    to.set(name, known)
    addActions(known, actions)
  }
}

/** The largest series, with the others added up under the empty name. */
export function largest(series: Series): Series {
  if (series.size <= maxSeries) return series
  const size = (actions: ByAction): number => [...actions.values()].reduce((sum, numbers) => sum + callsOf(numbers), 0)
  const order = [...series].map(([name, actions]) => ({ name, actions, size: name === '' ? -1 : size(actions) }))
  order.sort((a, b) => b.size - a.size || (a.name < b.name ? -1 : 1))
  const kept: Series = new Map(order.slice(0, maxSeries - 1).map(({ name, actions }) => [name, actions]))
  const rest: ByAction = new Map()
  for (const { actions } of order.slice(maxSeries - 1)) addActions(rest, actions)
  return kept.set('', rest)
}

/** The commonest reasons, with the others added up under the empty name. */
export function commonest(reasons: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
  if (reasons.size <= maxReasons) return reasons
  const order = [...reasons].filter(([name]) => name !== '').toSorted((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
  const rest = order.slice(maxReasons - 1).reduce((sum, [, count]) => sum + count, reasons.get('') ?? 0)
  return new Map([...order.slice(0, maxReasons - 1), ['', rest]])
}

function count(actions: ByAction, action: string, measured: Measured): void {
  const numbers = actions.get(action) ?? noTimedNumbers()
  countIn(numbers, measured)
  actions.set(action, numbers)
}

function countSeries(series: Series, name: string, on: { action: string; measured: Measured }): void {
  const actions = series.get(name) ?? new Map<string, Numbers>()
  series.set(name, actions)
  const numbers = actions.get(on.action) ?? noNumbers()
  countIn(numbers, on.measured)
  actions.set(on.action, numbers)
}
