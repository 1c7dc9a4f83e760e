import { tmpdir } from 'node:os'
import { expect, test } from 'vitest'
import { runBulkRig } from './rig.ts'

test(
  'a table is re-encrypted by a process that is killed and started again, and no row is lost',
  { timeout: 60_000 },
  async () => {
    const seed = Date.now() % 1_000_000
    const report = await runBulkRig({ rows: 2000, kills: 2, batch: 50, seed, folder: tmpdir() })
    expect({ seed, ...report, seconds: 0 }).toEqual({ seed, killed: 2, moved: 2000, lost: 0, problems: [], seconds: 0 })
  },
)
