import { describe, expect, test } from 'vitest'
import { runNetworkRig } from '../network/rig.ts'
import { serverUrl } from '../support/postgres-schema.ts'

describe('a network that cuts, swallows, delays and goes dark', () => {
  test('has every operation settled in time, and no result without its one record', { timeout: 60_000 }, async () => {
    const seed = Date.now() % 1_000_000
    const report = await runNetworkRig({ url: serverUrl(), rounds: 3, callers: 16, deadlineMs: 2000, seed })
    expect({ seed, problems: report.problems }).toEqual({ seed, problems: [] })
    expect(report.codes['ok'] ?? 0).toBeGreaterThan(0)
    expect(report.records).toBeGreaterThan(report.codes['ok'] ?? 0)
  })
})
