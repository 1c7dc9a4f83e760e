import { expect, test } from 'vitest'
import { runSchedulerRig } from '../lifecycle/scheduler-rig.ts'
import { serverUrl } from '../support/postgres-schema.ts'

test('C56 S0-43 four processes with one scheduler each, one killed half-way: every key is rotated once, and the log verifies', async () => {
  const { problems, shares } = await runSchedulerRig(
    { keys: 160, processes: 4 },
    { kind: 'postgres', url: serverUrl() },
  )
  expect(problems).toEqual([])
  expect(shares.filter((share) => share > 0).length).toBeGreaterThan(1)
}, 300_000)
