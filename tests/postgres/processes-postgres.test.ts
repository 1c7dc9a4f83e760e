import { describe, expect, test } from 'vitest'
import { runRig } from '../processes/rig.ts'
import { serverUrl } from '../support/postgres-schema.ts'

describe('processes on one PostgreSQL database, 16 callers each', () => {
  test.for([2, 4])(
    '%i of them: every success is legal at its place, every refusal justified, and the order agrees with time',
    { timeout: 60_000 },
    async (processes) => {
      const seed = Date.now() % 1_000_000
      const site = { kind: 'postgres', url: serverUrl() } as const
      const report = await runRig({ operations: 1000, processes, callers: 16, seed }, site)
      expect({ seed, problems: report.problems }).toEqual({ seed, problems: [] })
      expect(report.operations).toBeGreaterThan(1000)
      expect(report.records).toBeGreaterThan(report.operations)
      for (const kind of ['encrypt ok', 'decrypt ok', 'rotate ok', 'disable ok', 'grant ok', 'ungrant ok']) {
        expect({ seed, kind, count: report.counts[kind] ?? 0 }).not.toEqual({ seed, kind, count: 0 })
      }
    },
  )
})
