import { describeStorage } from '../../src/index.ts'
import { brokenAdapters, unbroken } from './adapters.ts'

// Run by `broken-adapters.test.ts` in a run of its own, in which tests are meant to fail.
for (const { fault, caughtBy, connect } of [unbroken, ...brokenAdapters]) {
  describeStorage({ name: `${fault} / ${caughtBy}`, create: () => ({ connect: connect() }) })
}
