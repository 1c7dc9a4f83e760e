import { tables, type Row } from '@chatelaine/core/storage'
import {
  attacked,
  cut,
  exchanged,
  flipped,
  goneAndForged,
  pairsOf,
  replayed,
  restored,
  swapped,
  type Case,
} from './attacks.ts'
import { baselineOf, play, type Outcome, type Verdict } from './play.ts'
import type { Image, World } from './world.ts'

/** How much of everything is done. */
export interface Scope {
  /** Every so manieth case of each kind and table. */
  readonly every: number
  /** Every so manieth kind of attack on a table; a kind is one column, where it is of a byte. @defaultValue 1 */
  readonly kinds?: number | undefined
  /** How many records, and how many pairs of them, are attacked. */
  readonly records: number
}

/** What came of one kind of attack on one table. */
export interface Tally {
  readonly kind: string
  readonly table: string
  cases: number
  readonly verdicts: Map<Verdict, number>
  /** One case of each verdict, and why it ended so. */
  readonly examples: Map<Verdict, string>
}

/** What a campaign came to. */
export interface Report {
  readonly tallies: readonly Tally[]
  /** Attacks that had effect. There must be none. */
  readonly effective: readonly string[]
  readonly cases: number
}

/** All attacks, in their order. */
export function* attacksOn(world: World, other: Image, scope: Scope): Generator<Case> {
  const now = world.history.at(-1) as Image
  const rowsOf = (table: string): Row[] => (now.get(table) ?? []).filter((row) => row['tenant'] === 'default')
  for (const table of attacked) {
    yield* flipped(table, rowsOf(table))
    yield* swapped(table, pairsOf(rowsOf(table)))
    yield* goneAndForged(table, rowsOf(table))
  }
  yield* onRecords(rowsOf('records'), scope.records)
  yield* replayed(world)
  yield* restored(world)
  yield* cut(world)
  yield* exchanged(world, other)
}

function* onRecords(rows: readonly Row[], count: number): Generator<Case> {
  const step = Math.max(1, Math.floor(rows.length / count))
  const some = rows.filter((_, at) => at % step === 0)
  yield* flipped('records', some)
  yield* swapped('records', neighbours(rows, count))
  yield* swapped('records', scattered(rows, count))
  yield* goneAndForged('records', rows)
}

function* neighbours(rows: readonly Row[], count: number): Generator<readonly [Row, Row]> {
  for (let at = 1; at < Math.min(rows.length, count * 10); at++) yield [rows[at - 1] as Row, rows[at] as Row]
}

/** Pairs from all over, the same in each run. */
function* scattered(rows: readonly Row[], count: number): Generator<readonly [Row, Row]> {
  for (let index = 0; index < count * 25; index++) {
    const [a, b] = [(index * 7919) % rows.length, (index * 104_729 + 13) % rows.length]
    if (a !== b) yield [rows[a] as Row, rows[b] as Row]
  }
}

/** Plays attacks, and counts what came of them. */
export async function campaign(
  world: World,
  other: Image,
  { scope, onCase }: { scope: Scope; onCase?: (done: number) => void },
): Promise<Report> {
  const baseline = await baselineOf(world)
  const tallies = new Map<string, Tally>()
  /** The kinds that were met: the place of each, and how many cases of it. */
  const met = new Map<string, { readonly kind?: number; readonly number: number }>()
  const effective: string[] = []
  let cases = 0
  for (const one of attacksOn(world, other, scope)) {
    const name = `${one.kind}\0${one.table}`
    const { kind = met.size, number } = met.get(name) ?? { number: 0 }
    met.set(name, { kind, number: number + 1 })
    if (number % scope.every !== 0 || kind % (scope.kinds ?? 1) !== 0) continue
    const outcome = await play(world, one.attack, baseline)
    note(tallies, name, { one, outcome })
    if (outcome.verdict === 'EFFECTIVE') effective.push(`${one.kind}, ${one.what}: ${outcome.why}`)
    cases += 1
    onCase?.(cases)
  }
  return { tallies: [...tallies.values()], effective, cases }
}

function note(tallies: Map<string, Tally>, name: string, { one, outcome }: { one: Case; outcome: Outcome }): void {
  const { kind, table, what } = one
  const tally = tallies.get(name) ?? { kind, table, cases: 0, verdicts: new Map(), examples: new Map() }
  tallies.set(name, tally)
  tally.cases += 1
  tally.verdicts.set(outcome.verdict, (tally.verdicts.get(outcome.verdict) ?? 0) + 1)
  if (!tally.examples.has(outcome.verdict)) tally.examples.set(outcome.verdict, `${what}: ${outcome.why}`)
}

/** What may change nothing for anybody, and why: table, beginning of the kind, reason. */
const harmless: readonly (readonly [table: string, kind: string, why: string])[] = [
  ['heads', 'a byte of mac', 'only the newest head counts; this is one of before'],
  ['heads', 'a byte of epoch', 'only the newest head counts; this is one of before'],
  ['heads', 'a row deleted', 'a head of before, as trimming removes them: the newest counts'],
  ['heads', 'a column swapped', 'only the newest head counts; these are two of before'],
  ['heads', 'an older row', 'a head of before, which was true: the newest counts'],
  ['checkpoints', 'a byte of createdAt', 'when a checkpoint was stored is told to nobody'],
  ['checkpoints', 'a column swapped', 'when a checkpoint was stored is told to nobody'],
  ['checkpoints', 'a row deleted', 'the log verifies by its other checkpoints and its head'],
]

/** Why an attack that changes nothing for anybody may do so. */
export function reasonToBeHarmless({ kind, table }: Pick<Tally, 'kind' | 'table'>): string | undefined {
  return harmless.find(([of, beginning]) => of === table && kind.startsWith(beginning))?.[2]
}

/** The verdict table, as Markdown. */
export function tableOf({ tallies }: Report): string {
  const lines = ['| attack | table | cases | verdicts |', '| --- | --- | ---: | --- |']
  for (const { kind, table, cases, verdicts } of tallies) {
    const told = [...verdicts].map(([verdict, count]) => {
      const why = verdict === 'harmless' ? ` (${reasonToBeHarmless({ kind, table }) ?? 'NO REASON'})` : ''
      return `${count} ${verdict}${why}`
    })
    lines.push(`| ${kind} | \`${table}\` | ${cases} | ${told.join(', ')} |`)
  }
  return lines.join('\n')
}

/** What is harmless without a reason, which is as bad as what has effect. */
export function unexplained({ tallies }: Report): string[] {
  return tallies
    .filter((tally) => tally.verdicts.has('harmless') && reasonToBeHarmless(tally) === undefined)
    .map(({ kind, table, examples }) => `${kind} of ${table} changes nothing: ${String(examples.get('harmless'))}`)
}

/** Tables of core that nobody attacks, for the record: the log's own, and what only informs. */
export const spared: readonly string[] = tables
  .map(({ name }) => name)
  .filter((name) => !attacked.includes(name) && name !== 'records')
