import { expect, test } from 'vitest'
import { Ticker } from '../../src/scheduler/ticker.ts'
import { timetable } from '../../src/scheduler/timetable.ts'
import { fakeClock } from '../../src/testing.ts'
import { day, turns } from '../support/kms.ts'

test.each([
  ['* * * * * *', 30 * day + 500, 30 * day],
  ['30 9 * * *', 10 * day, 9 * day + 9.5 * 3_600_000],
  ['0 0 1 1 *', 3 * 365 * day + 1, 3 * 365 * day],
  ['* * 9 * * *', 2 * day, day + 36_000_000 - 1000],
])(
  'P8 of all moments of %s that were missed the last one is told, and found in a few steps',
  async (cron, ms, last) => {
    const clock = fakeClock(Date.UTC(2025, 0, 1) - 1)
    const table = await timetable({ where: 'cron', cron, timezone: 'UTC' })
    let asked = 0
    const after = (time: number): number | undefined => {
      asked += 1
      return table.after(time)
    }
    const told: (number | undefined)[] = []
    const ticker = new Ticker({ times: { after }, tick: async (at) => void told.push(at) }, clock, clock)
    const start = clock.now() + 1
    clock.set(start + ms - 60_000)
    clock.advance(60_000)
    await turns(5)
    expect(told).toEqual([start + last])
    expect(asked).toBeLessThan(60)
    await ticker.stop()
  },
)
