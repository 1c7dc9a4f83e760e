import { describe, expect, test } from 'vitest'
import { standingOf, type JobRows } from '../../src/operations/scheduled/job-lease.ts'
import { day } from '../support/kms.ts'

const hour = 3_600_000

describe('a moment of a job', () => {
  const now = 1_800_000_000_000
  const row = { tenant: 'default', name: 'x', createdAt: 1, createdBy: 'x', rev: 1 }
  const rows = (takenUntil: number, leaseUntil?: number): JobRows => ({
    taken: { ...row, takenUntil },
    lease: leaseUntil === undefined ? undefined : { ...row, takenUntil: leaseUntil },
  })

  test.each<[string, string, JobRows]>([
    ['held', '1 ms before the lease ends', rows(now, now + 1)],
    ['free', 'when it ends', rows(now, now)],
    ['free', '1 ms after', rows(now, now - 1)],
    ['held', 'though it comes after the one that is being done', rows(now - hour, now + 1)],
    ['held', 'for a day at most', rows(now, now + day)],
    ['free', 'where the lease ends in more than a day', rows(now, now + day + 1)],
    ['done', 'where it was taken and there is no lease', rows(now)],
    ['done', 'where a later one was', rows(now + 1)],
    ['free', 'where an earlier one was', rows(now - 1)],
    ['free', 'where none was', { taken: undefined, lease: undefined }],
  ])('C56 is %s %s', (state, _, of) => {
    expect(standingOf(of, now, now).state).toBe(state)
  })

  test.each<[string, string, JobRows]>([
    ['done', 'where nothing was left unfinished', rows(now)],
    ['done', 'where nobody ever began', { taken: undefined, lease: undefined }],
    ['free', 'where something was left unfinished', rows(now, now - 1)],
  ])('C56 that nobody names is %s %s', (state, _, of) => {
    expect(standingOf(of, undefined, now).state).toBe(state)
  })
})
