import { expect, test } from 'vitest'
import { runRootKeyRig } from './rig.ts'

test(
  'G105 a root key is rotated, and all material moved, by a process that is killed and started again, while others work',
  { timeout: 120_000 },
  async () => {
    const seed = Date.now() % 1_000_000
    const report = await runRootKeyRig({ storage: 'sqlite', versions: 200, kills: 2, batch: 10, seed })
    expect({ seed, problems: report.problems }).toEqual({ seed, problems: [] })
    expect(report).toMatchObject({ left: 0 })
  },
)
