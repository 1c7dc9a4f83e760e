import { exchanged, flipped, goneAndForged, pairsOf, replayed, restored, swapped, type Case } from './attacks.ts'
import { nameOf } from './findings.ts'
import type { Image, World } from './world.ts'

/** What is attacked in the annex: tables of which the first house has no rows, or does not need them. */
export const annexed: readonly string[] = [
  'keyring',
  'keyring_wraps',
  'keyring_epochs',
  'locks',
  'secrets',
  'imports',
  'tiles',
  'anchored',
  'pruning',
  'usage',
  'aliases',
  'key_defaults',
  'message_counts',
  'jobs',
  'quotas',
  'quota_uses',
  'repeats',
]

/** Attacks on the annex: at most so many of a kind on a table, evenly chosen of all that there are. */
export function* attacksOnAnnex(world: World, other: Image, most: number): Generator<Case> {
  const met = new Map<string, number>()
  for (const one of all(world, other)) met.set(nameOf(one), 1 + (met.get(nameOf(one)) ?? 0))
  const seen = new Map<string, number>()
  for (const one of all(world, other)) {
    const name = nameOf(one)
    const number = seen.get(name) ?? 0
    seen.set(name, number + 1)
    if (number % Math.ceil((met.get(name) as number) / most) === 0) yield one
  }
}

function* all(world: World, other: Image): Generator<Case> {
  const now = world.history.at(-1) as Image
  for (const table of annexed) {
    const rows = now.get(table) ?? []
    yield* flipped(table, rows)
    yield* swapped(table, pairsOf(rows))
    yield* goneAndForged(table, rows)
  }
  yield* replayed(world, annexed)
  yield* restored(world)
  yield* exchanged(world, other, annexed)
}
