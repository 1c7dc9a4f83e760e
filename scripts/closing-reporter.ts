// Why: whoever runs the tests, person or machine, should find the verdict on the last line, in one fixed form:
// "N passed, N failed[, N skipped]". The default reporter ends with timings.
import type { Reporter, SerializedError, TestModule, TestRunEndReason } from 'vitest/node'

type Tally = { passed: number; failed: number; skipped: number }

function tallyModule(module: TestModule): Tally {
  const tally: Tally = { passed: 0, failed: 0, skipped: 0 }
  for (const test of module.children.allTests()) {
    const { state } = test.result()
    if (state === 'passed') tally.passed++
    else if (state === 'failed') tally.failed++
    else tally.skipped++
  }
  // A file that fails to import, or whose hook throws, has no failed test of its own.
  if (tally.failed === 0 && module.state() === 'failed') tally.failed = 1
  return tally
}

/** Prints "N passed, N failed[, N skipped]" alone on the last line. */
export default class ClosingLine implements Reporter {
  onTestRunEnd(
    modules: ReadonlyArray<TestModule>,
    errors: ReadonlyArray<SerializedError>,
    reason: TestRunEndReason,
  ): void {
    const total: Tally = { passed: 0, failed: errors.length, skipped: 0 }
    for (const tally of modules.map(tallyModule)) {
      total.passed += tally.passed
      total.failed += tally.failed
      total.skipped += tally.skipped
    }
    if (reason === 'failed' && total.failed === 0) total.failed = 1
    const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : ''
    const line = `${total.passed} passed, ${total.failed} failed${skipped}`
    process.once('exit', () => process.stdout.write(`\n${line}\n`))
  }
}
