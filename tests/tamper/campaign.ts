import type { Row } from '@chatelaine/core/storage'
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
import { attacksOnAnnex } from './annexed.ts'
import { hideAll, hidings } from './hiding.ts'
import { Findings, nameOf, type Named, type Report } from './findings.ts'
import { baselineOf, play } from './play.ts'
import { nobody, tenants, type Image, type World } from './world.ts'

/** How much of everything is done. */
export interface Scope {
  /** Every so manieth case of each kind and table. */
  readonly every: number
  /** Every so manieth kind of attack on a table; a kind is one column, where it is of a byte. @defaultValue 1 */
  readonly kinds?: number | undefined
  /** How many records have every byte attacked. */
  readonly records: number
  /** How many pairs of records from all over change columns; neighbours do so besides. */
  readonly pairs: number
  /** At most so many cases of a kind on a table of the annex, evenly chosen of all. @defaultValue none */
  readonly annex?: number | undefined
  /** Every so manieth row of a table is hidden while somebody does something. @defaultValue none */
  readonly hidden?: number | undefined
  /** Which part of it is done: every so manieth case, from the so manieth on. @defaultValue all of it */
  readonly shard?: Shard | undefined
}

/** One of several parts of the work. */
export interface Shard {
  readonly index: number
  readonly of: number
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
  yield* onRecords(rowsOf('records'), scope)
  yield* replayed(world)
  yield* restored(world)
  yield* cut(world)
  yield* exchanged(world, other)
}

function* onRecords(rows: readonly Row[], { records, pairs }: Scope): Generator<Case> {
  const step = Math.max(1, Math.floor(rows.length / records))
  const some = rows.filter((_, at) => at % step === 0)
  yield* flipped('records', some)
  yield* swapped('records', neighbours(rows))
  yield* swapped('records', scattered(rows, pairs))
  yield* goneAndForged('records', rows)
}

function* neighbours(rows: readonly Row[]): Generator<readonly [Row, Row]> {
  for (let at = 1; at < rows.length; at++) yield [rows[at - 1] as Row, rows[at] as Row]
}

/** Pairs from all over, the same in each run. */
function* scattered(rows: readonly Row[], count: number): Generator<readonly [Row, Row]> {
  for (let index = 0; index < count; index++) {
    const [a, b] = [(index * 7919) % rows.length, (index * 104_729 + 13) % rows.length]
    if (a !== b) yield [rows[a] as Row, rows[b] as Row]
  }
}

/** Every so manieth case asks the users of the other tenant too; those that reach over to it always do. */
const asksAllEvery = 8
const reachesOver = /tenant|database/

/** Whose users are asked in a case. */
function askedFor({ kind }: Case, number: number): readonly string[] {
  if (kind.endsWith('for nobody')) return ['default', nobody]
  return number % asksAllEvery === 0 || reachesOver.test(kind) ? tenants : ['default']
}

/** Plays attacks, and counts what came of them. */
export async function campaign(
  world: World,
  other: Image,
  { scope, onCase }: { scope: Scope; onCase?: (done: number) => void },
): Promise<Report> {
  const baseline = await baselineOf(world, [...tenants, nobody])
  const findings = new Findings()
  for (const one of chosen(attacksOn(world, other, scope), scope)) {
    const asked = askedFor(one, findings.cases)
    findings.note(one, await play(world, one.attack, { baseline, asked }))
    onCase?.(findings.cases)
  }
  return findings.report
}

/** The same on the annex, which has one tenant; and there, too, rows are hidden while somebody does something. */
export async function annexCampaign(world: World, other: Image, scope: Scope): Promise<Report> {
  const findings = new Findings()
  const { annex = 0, hidden = 0 } = scope
  if (annex > 0) {
    const baseline = await baselineOf(world, ['default', nobody])
    for (const one of chosen(attacksOnAnnex(world, other, annex), { ...scope, every: 1 })) {
      const asked = one.kind.endsWith('for nobody') ? ['default', nobody] : ['default']
      findings.note(one, await play(world, one.attack, { baseline, asked }))
    }
  }
  if (hidden > 0) {
    findings.add(await hideAll(world, chosen(hidings(world), { ...scope, every: hidden })))
  }
  return findings.report
}

/** The cases that a scope is about. */
export function* chosen<T extends Named>(cases: Iterable<T>, { every, kinds = 1, shard }: Scope): Generator<T> {
  /** The kinds that were met: the place of each, and how many cases of it. */
  const met = new Map<string, { readonly place: number; readonly number: number }>()
  let count = 0
  for (const one of cases) {
    const name = nameOf(one)
    const { place, number } = met.get(name) ?? { place: met.size, number: 0 }
    met.set(name, { place, number: number + 1 })
    if (number % every !== 0 || place % kinds !== 0) continue
    count += 1
    if (shard === undefined || count % shard.of === shard.index) yield one
  }
}
