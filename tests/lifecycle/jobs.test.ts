import { expect, test } from 'vitest'
import { runJobRig } from './job-rig.ts'

test('C56 three processes with one job, and whoever does it killed in the midst of it: the last one does it, once', async () => {
  const { problems, renewals } = await runJobRig(3, { kind: 'sqlite' })
  expect(problems).toEqual([])
  expect(renewals).toBeGreaterThanOrEqual(4)
}, 120_000)
