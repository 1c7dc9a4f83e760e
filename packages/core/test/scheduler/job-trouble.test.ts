import { expect, test } from 'vitest'
import { isKmsError } from '../../src/index.ts'
import { makeGate, turns } from '../support/kms.ts'
import { hour, house, leaseMs, pass, settled, started } from '../support/jobs.ts'

test('C56 a job whose moment comes while the storage is away is done when it is back', async () => {
  const world = await house()
  let fails = false
  const hook = (): void => {
    if (fails) throw new Error('gone')
  }
  const only = await started(world, { hook, options: { deadlineMs: 1000 } })
  fails = true
  await pass(world, hour)
  for (let passed = 0; passed < 5000; passed += 500) await pass(world, 500)
  fails = false
  for (let passed = 0; passed < 60_000; passed += 500) await pass(world, 500)
  expect(only.began).toHaveLength(1)
  expect(new Set(only.told)).toEqual(new Set(['AUDIT_UNAVAILABLE']))
})

test.each([
  ['verify', { verifyCron: '0 * * * *' }, 'verifyAudit'],
  ['anchor', { anchorCron: '0 * * * *' }, 'anchorAudit'],
] as const)(
  'C56 what was taken over records nothing of the log, only the other one does: %s',
  async (name, at, action) => {
    const world = await house()
    const gate = makeGate()
    const slow = await world.again({ deadlineMs: 600_000 }, gate.hook)
    const told: unknown[] = []
    const onError = (error: unknown, job: string): void => void told.push([job, isKmsError(error, 'CONFLICT')])
    await slow.scheduler.start({ ...at, leaseMs, onError })
    await settled()
    world.clock.advance(hour)
    const claimed = async (): Promise<boolean> => (await world.db.rows('jobs')).length === 2
    while (!(await claimed())) await turns(1)
    gate.shut()
    const other = await world.again()
    await other.scheduler.start({ ...at, leaseMs })
    await settled()
    await pass(world, leaseMs)
    gate.open()
    await settled()
    const records = await world.db.records()
    const statuses = (of: string): string[] => records.filter((each) => each.action === of).map(({ status }) => status)
    expect(statuses(action)).toEqual(['SUCCESS', 'FAILURE'])
    expect(statuses('finishJob')).toEqual(['SUCCESS', 'FAILURE'])
    expect(told).toEqual([[name, true]])
    expect((await world.kms.ops.metrics()).lastVerification?.ok).toBe(name === 'verify' ? true : undefined)
  },
)
