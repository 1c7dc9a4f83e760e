import type { RootKey } from '@chatelaine/core/root-key'
import { describe, test } from 'vitest'
import { describeStaleSkips, reasonFor } from '../skips.ts'
import type { Skips } from '../skips.ts'
import { absence } from './absence.ts'
import { identity } from './identity.ts'
import type { RootKeySection } from './root-key-bench.ts'
import { RootKeyBench } from './root-key-bench.ts'
import { wrapping } from './wrapping.ts'

const sections: Readonly<Record<string, RootKeySection>> = { identity, wrapping, absence }

/** What {@link describeRootKey} is told. */
export interface RootKeySuite {
  /** What the tests are called after. @defaultValue 'a root key' */
  readonly name?: string | undefined
  /**
   * Makes a key that nothing else was wrapped by, and gives the provider of it: each call of that gives another
   * instance, as another process would make it. Called up to twice for every test.
   */
  readonly create: () => (() => RootKey) | Promise<() => RootKey>
  /** A provider whose key is not there, such as a variable that is not set. @defaultValue its tests are skipped */
  readonly missing?: (() => RootKey) | undefined
  /** What is left out, and why: a section (`identity`, `wrapping`, `absence`) or a test's title. @defaultValue nothing */
  readonly skip?: Skips | undefined
}

/**
 * Describes, to vitest, what every root key does: one test for each sentence of the contract in
 * `@chatelaine/core/root-key`.
 *
 * @example
 * ```ts no-check
 * describeRootKey({
 *   name: 'localRootKey',
 *   create: () => {
 *     const key = generateRootKey()
 *     return () => localRootKey(key)
 *   },
 * })
 * ```
 */
export function describeRootKey(suite: RootKeySuite): void {
  const { name = 'a root key', missing } = suite
  const absent: Skips = missing === undefined ? { absence: 'It was not said how the key can be missing.' } : {}
  const skip = { ...absent, ...suite.skip }
  describe(`${name} keeps the root key contract`, () => {
    for (const [section, sentences] of Object.entries(sections)) {
      describe(section, () => {
        for (const [title, show] of Object.entries(sentences)) {
          const reason = reasonFor(skip, section, title)
          test(title, async (context) => {
            if (reason !== undefined) context.skip(reason)
            await show(new RootKeyBench({ create: async () => suite.create(), missing }))
          })
        }
      })
    }
    describeStaleSkips(skip, sections)
  })
}
