import { describe, onTestFinished, test } from 'vitest'
import { aborts } from './aborts.ts'
import { Bench } from './bench.ts'
import type { Places, Section, StoragePlace } from './bench.ts'
import { durability } from './durability.ts'
import { closing, schema } from './lifecycle.ts'
import { processes } from './processes.ts'
import { ranges } from './ranges.ts'
import { rows } from './rows.ts'
import { savepoints } from './savepoints.ts'
import { reasonFor, describeStaleSkips } from '../skips.ts'
import type { Skips } from '../skips.ts'
import { snapshots } from './snapshots.ts'
import { transactions } from './transactions.ts'
import { writes } from './writes.ts'

const sections: Readonly<Record<string, Section>> = {
  schema,
  rows,
  writes,
  ranges,
  transactions,
  snapshots,
  savepoints,
  aborts,
  closing,
  durability,
  processes,
}

/** What {@link describeStorage} is told. */
export interface StorageSuite<Place extends StoragePlace = StoragePlace> {
  /** What the tests are called after. @defaultValue 'a storage' */
  readonly name?: string | undefined
  /** Makes a place that holds nothing. Called at least once for every test. */
  readonly create: () => Place | Promise<Place>
  /** Takes a place away, after everything on it was closed. @defaultValue does nothing */
  readonly destroy?: ((place: Place) => void | Promise<void>) | undefined
  /**
   * What is left out, and why: the name of a section (`schema`, `rows`, `writes`, `ranges`, `transactions`,
   * `snapshots`, `savepoints`, `aborts`, `closing`, `durability`, `processes`) or the title of a test, with the
   * reason that is reported. An adapter that needs one keeps less than the contract. @defaultValue nothing
   */
  readonly skip?: Skips | undefined
}

/**
 * Describes, to vitest, what every storage adapter does: one test for each sentence of the contract in
 * `@chatelaine/core/storage`. Each test works on a place of its own.
 *
 * Not covered, since no adapter can be made to do it from outside: what a crash in the middle of a migration or a
 * commit leaves, `migrate: false`, a database that cannot be reached, and byte columns of hundreds of mebibytes.
 *
 * @example
 * ```ts no-check
 * describeStorage({
 *   name: 'sqliteStorage',
 *   create: () => {
 *     const folder = mkdtempSync(path.join(tmpdir(), 'kms-'))
 *     return { folder, connect: () => sqliteStorage(path.join(folder, 'kms.db')) }
 *   },
 *   destroy: ({ folder }) => rmSync(folder, { recursive: true }),
 * })
 * ```
 */
export function describeStorage<Place extends StoragePlace>(suite: StorageSuite<Place>): void {
  const { name = 'a storage', skip = {} } = suite
  const places: Places = {
    create: async () => suite.create(),
    // Only what `create` made comes back here.
    destroy: async (place) => suite.destroy?.(place as Place),
  }
  describe(`${name} keeps the storage contract`, () => {
    for (const [section, sentences] of Object.entries(sections)) {
      describe(section, () => {
        for (const [title, show] of Object.entries(sentences)) describeSentence(title, show, { places, skip, section })
      })
    }
    describeStaleSkips(skip, sections)
  })
}

interface Sentence {
  readonly places: Places
  readonly skip: Skips
  readonly section: string
}

function describeSentence(title: string, show: Section[string], { places, skip, section }: Sentence): void {
  const reason = reasonFor(skip, section, title)
  test(title, async (context) => {
    if (reason !== undefined) context.skip(reason)
    const { bench, end } = await Bench.begin(places)
    onTestFinished(end)
    await show(bench)
  })
}
