import { readFileSync } from 'node:fs'
import path from 'node:path'
import type { Outcome } from './case.ts'

/** Cases of which something is said. */
interface Entry {
  /** Numbers and ranges of them: `1-3, 7`. */
  readonly tcIds: string
  /** What becomes of them. */
  readonly outcome: Outcome
  readonly reason: string
}

/** What is expected of one file. */
interface Expected {
  /** How many cases at least fit what their author demands. */
  readonly passes: number
  /** Cases that their author leaves to the implementation. */
  readonly acceptable?: readonly Entry[]
  /** Valid cases that the library does not do, and cases that cannot be put into a request. */
  readonly exceptions?: readonly Entry[]
}

interface Expectations {
  /** Files that are not run, with the reason. */
  readonly leftOut: Readonly<Record<string, string>>
  readonly files: Readonly<Record<string, Expected>>
}

/** What is said of one case. */
export interface Said {
  readonly outcome: Outcome
  readonly reason: string
}

/** Everything that is expected of the vectors. */
export const expectations = JSON.parse(
  readFileSync(path.join(import.meta.dirname, 'expectations.json'), 'utf8'),
) as Expectations

/** What is said of each case of a list, by its number. Throws for a case of which something is said twice. */
export function saidByCase(entries: readonly Entry[] = []): Map<number, Said> {
  const said = new Map<number, Said>()
  for (const { tcIds, outcome, reason } of entries) {
    for (const tcId of numbersOf(tcIds)) {
      if (said.has(tcId)) throw new Error(`something is said twice of case ${tcId}`)
      said.set(tcId, { outcome, reason })
    }
  }
  return said
}

function numbersOf(ranges: string): number[] {
  return ranges.split(',').flatMap((range) => {
    const [first, last = first] = range.split('-').map(Number) as [number, number?]
    if (!(first <= last)) throw new Error(`${range} is no range`)
    return Array.from({ length: last - first + 1 }, (_, index) => first + index)
  })
}
