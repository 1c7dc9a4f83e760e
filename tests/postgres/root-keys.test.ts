import { expect, test } from 'vitest'
import { runRootKeyRig } from '../root-keys/rig.ts'
import { serverUrl } from '../support/postgres-schema.ts'

test(
  'G105 a root key is rotated on PostgreSQL, and all material moved, by a process that is killed, while others work',
  { timeout: 120_000 },
  async () => {
    const seed = Date.now() % 1_000_000
    const how = { versions: 100, kills: 1, batch: 10, seed, url: serverUrl() }
    const report = await runRootKeyRig({ storage: 'postgres', ...how })
    expect({ seed, problems: report.problems }).toEqual({ seed, problems: [] })
    expect(report).toMatchObject({ left: 0 })
  },
)
