import { describe, expect, test } from 'vitest'
import { timetable } from '../../src/scheduler/timetable.ts'
import { expectCode } from '../support/kms.ts'

async function times(cron: string, timezone: string, from: string): Promise<string[]> {
  const count = cron.startsWith('0 *') ? 6 : 2
  const { after } = await timetable({ where: 'cron', cron, timezone })
  const found: string[] = []
  let at: number | undefined = Date.parse(from)
  while (found.length < count && at !== undefined) {
    at = after(at)
    if (at !== undefined) found.push(new Date(at).toISOString())
  }
  return found
}

describe('the times of a cron expression', () => {
  test('C48 where clocks are put forward: what would be in the hour that is not comes at its end, once', async () => {
    expect(await times('30 2 * * *', 'Europe/Berlin', '2026-03-28T12:00:00Z')).toEqual([
      '2026-03-29T01:00:00.000Z',
      '2026-03-30T00:30:00.000Z',
    ])
  })

  test('C48 where clocks are put back: what is in the hour that is twice comes once', async () => {
    expect(await times('30 2 * * *', 'Europe/Berlin', '2026-10-24T12:00:00Z')).toEqual([
      '2026-10-25T00:30:00.000Z',
      '2026-10-26T01:30:00.000Z',
    ])
  })

  test.each(['2026-03-28T22:30:00Z', '2026-10-24T22:30:00Z'])(
    'C48 what is every hour is every hour: from %s',
    async (from) => {
      const found = (await times('0 * * * *', 'Europe/Berlin', from)).map((time) => Date.parse(time))
      const first = Date.parse(from) + 1_800_000
      expect(found).toEqual(Array.from({ length: 6 }, (_, hour) => first + hour * 3_600_000))
    },
  )

  test('C48 in UTC there is no such hour', async () => {
    expect(await times('30 2 * * *', 'UTC', '2026-03-28T12:00:00Z')).toEqual([
      '2026-03-29T02:30:00.000Z',
      '2026-03-30T02:30:00.000Z',
    ])
  })

  test.each(['', 'x', '* * * *', '60 * * * *', '* * * * * * * *', '0 0 31 2 *', 'a b c d e', '0 0 * * 9'])(
    'are none of %j',
    async (cron) => {
      await expectCode(timetable({ where: 'cron', cron, timezone: 'UTC' }), 'INVALID_REQUEST')
    },
  )

  test.each([null, 7, {}, [], () => '* * * * *'])('are none of %s', async (cron) => {
    await expectCode(timetable({ where: 'cron', cron: cron as string, timezone: 'UTC' }), 'INVALID_REQUEST')
  })

  test.each(['Mars/Phobos', 'x', '25:00'])('are none in %j', async (timezone) => {
    const error = await expectCode(timetable({ where: 'cron', cron: '0 * * * *', timezone }), 'INVALID_REQUEST')
    expect(Reflect.get(error, 'issues')).toMatchObject([{ path: 'cron' }])
  })
})
