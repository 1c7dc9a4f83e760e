import type { Outcome, Verdict } from './play.ts'

/** What names a kind of attack. */
export interface Named {
  readonly kind: string
  readonly table: string
}

/** What came of one kind of attack on one table. */
export interface Tally extends Named {
  readonly cases: number
  /** How many cases had each verdict, with one of them and why it ended so. */
  readonly verdicts: Readonly<Partial<Record<Verdict, Told>>>
}

interface Told {
  readonly count: number
  readonly example: string
}

/** What a campaign, or a part of one, came to. It can be sent to another process. */
export interface Report {
  readonly tallies: readonly Tally[]
  /** Attacks that had effect. There must be none. */
  readonly effective: readonly string[]
  readonly cases: number
}

/** A kind of attack on a table. */
export function nameOf({ kind, table }: Named): string {
  return `${kind}\0${table}`
}

/** Counts what comes of attacks. */
export class Findings {
  readonly #tallies = new Map<string, Tally>()
  readonly #effective: string[] = []
  #cases = 0

  /** How many there were. */
  get cases(): number {
    return this.#cases
  }

  /** All of it. */
  get report(): Report {
    return { tallies: [...this.#tallies.values()], effective: this.#effective, cases: this.#cases }
  }

  /** Counts one. */
  note({ kind, table, what }: Named & { readonly what: string }, { verdict, why }: Outcome): void {
    const example = `${what}: ${why}`
    this.#count({ kind, table, cases: 1, verdicts: { [verdict]: { count: 1, example } } })
    if (verdict === 'EFFECTIVE') this.#effective.push(`${kind}, ${example}`)
  }

  /** Counts what others have counted. */
  add({ tallies, effective }: Report): void {
    for (const tally of tallies) this.#count(tally)
    this.#effective.push(...effective)
  }

  #count({ kind, table, cases, verdicts }: Tally): void {
    const before = this.#tallies.get(nameOf({ kind, table }))
    const all = { ...before?.verdicts }
    for (const [verdict, { count, example }] of entriesOf(verdicts)) {
      all[verdict] = { count: count + (all[verdict]?.count ?? 0), example: all[verdict]?.example ?? example }
    }
    this.#tallies.set(nameOf({ kind, table }), { kind, table, cases: cases + (before?.cases ?? 0), verdicts: all })
    this.#cases += cases
  }
}

/** The verdicts of a tally, each with what is told of it. */
export function entriesOf(verdicts: Tally['verdicts']): [Verdict, Told][] {
  return Object.entries(verdicts) as [Verdict, Told][]
}

/** How many cases had each verdict. */
export function byVerdict({ tallies }: Report): Map<Verdict, number> {
  const counts = new Map<Verdict, number>()
  for (const { verdicts } of tallies) {
    for (const [verdict, { count }] of entriesOf(verdicts)) counts.set(verdict, count + (counts.get(verdict) ?? 0))
  }
  return counts
}
