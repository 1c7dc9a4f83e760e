import { context, expectCode, keyringKey } from './root-key-bench.ts'
import type { RootKeySection } from './root-key-bench.ts'

/** A root key that is not there. */
export const absence: RootKeySection = {
  'a missing key has no name, and says that it is missing': async (bench) => {
    await expectCode(bench.missing().describe(), 'ROOT_KEY_MISSING')
  },
  'a missing key wraps and opens nothing': async (bench) => {
    await expectCode(bench.missing().wrap(keyringKey(), context), 'ROOT_KEY_MISSING')
    await expectCode(bench.missing().unwrap(keyringKey(), context), 'ROOT_KEY_MISSING')
  },
}
