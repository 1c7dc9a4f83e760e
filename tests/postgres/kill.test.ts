import { describe, expect, test } from 'vitest'
import { runKillRig } from '../kill/rig.ts'
import { serverUrl } from '../support/postgres-schema.ts'

describe('writers that are killed on PostgreSQL', () => {
  test('leave every acknowledged operation in the chain, and no fork', { timeout: 60_000 }, async () => {
    const seed = Date.now() % 1_000_000
    const how = { rounds: 3, roundsPerHouse: 3, writers: 2, callers: 8, seed, url: serverUrl() }
    const report = await runKillRig({ storage: 'postgres', ...how })
    expect({ seed, problems: report.problems }).toEqual({ seed, problems: [] })
    expect(report.killed).toBe(6)
    expect(report.acknowledged).toBeGreaterThan(68)
  })
})

describe('a server that crashes under its writers', () => {
  test('keeps what it acknowledged, and serves again within two seconds', { timeout: 60_000 }, async () => {
    const seed = Date.now() % 1_000_000
    const how = { rounds: 2, roundsPerHouse: 2, writers: 2, callers: 8, seed }
    const report = await runKillRig({ storage: 'server', ...how })
    expect({ seed, problems: report.problems }).toEqual({ seed, problems: [] })
    expect(report.crashes).toBe(2)
    expect(report.acknowledged).toBeGreaterThan(68)
  })
})
