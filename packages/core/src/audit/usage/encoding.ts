import { at, durationBounds, type Numbers } from './numbers.ts'
import { commonest, largest, Tally, type ByAction, type Series, type SeriesKind } from './tally.ts'

/** What the rows of usage are of. */
export type UsageKind = 'totals' | SeriesKind

/** The counts of one kind as a JSON text; `undefined` where there are none. Nothing here asks a prototype. */
export function encodeCounts(tally: Tally, kind: UsageKind): string | undefined {
  if (kind === 'totals') return `{"actions":${encodeActions(tally.totals)},"reasons":${encodeReasons(tally.reasons)}}`
  const series = tally.series[kind]
  return series.size === 0 ? undefined : encodeObject(largest(series), encodeActions)
}

/** Numbers by operation as a JSON text. */
export function encodeActions(actions: ByAction): string {
  return encodeObject(actions, encodeNumbers)
}

function encodeNumbers(numbers: readonly number[]): string {
  let text = ''
  for (const number of numbers) text += `,${number}`
  return `[${text.slice(1)}]`
}

function encodeReasons(reasons: ReadonlyMap<string, number>): string {
  return encodeObject(commonest(reasons), String)
}

function encodeObject<T>(map: ReadonlyMap<string, T>, encode: (value: T) => string): string {
  let text = ''
  for (const [name, value] of map) text += `,${JSON.stringify(name)}:${encode(value)}`
  return `{${text.slice(1)}}`
}

/** Adds what a text says to a tally. @throws TypeError for what {@link encodeCounts} does not write. */
export function decodeInto(tally: Tally, kind: UsageKind, text: string): void {
  const decoded = new Tally()
  if (kind === 'totals') {
    const { actions, reasons } = membersOf(JSON.parse(text))
    fill(decoded.totals, decodeActions(actions, timedLength))
    for (const [reason, count] of Object.entries(membersOf(reasons))) decoded.reasons.set(reason, countOf(count))
  } else {
    fill(decoded.series[kind], decodeSeries(JSON.parse(text)))
  }
  tally.add(decoded)
}

/** Numbers by operation, as a text says. @throws TypeError */
export function decodeActions(value: unknown, length: number = timedLength): ByAction {
  return new Map(Object.entries(membersOf(value)).map(([action, numbers]) => [action, numbersOf(numbers, length)]))
}

function decodeSeries(value: unknown): Series {
  return new Map(Object.entries(membersOf(value)).map(([name, actions]) => [name, decodeActions(actions, at.buckets)]))
}

const timedLength = at.buckets + durationBounds.length + 1

function fill<V>(map: Map<string, V>, from: ReadonlyMap<string, V>): void {
  for (const [name, value] of from) map.set(name, value)
}

function numbersOf(value: unknown, length: number): Numbers {
  if (!Array.isArray(value) || value.length !== length) throw new TypeError('these are no numbers of a series')
  return value.map(countOf)
}

/** A count. @throws TypeError */
export function countOf(value: unknown): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw new TypeError('this is no count')
  return value
}

/** The members of an object, and nothing of its prototype. @throws TypeError */
export function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new TypeError('this is no object')
  return Object.assign(Object.create(null), value) as Record<string, unknown>
}
