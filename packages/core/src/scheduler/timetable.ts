import { InvalidRequestError } from '../errors.ts'

/** When something is done, again and again. */
export interface Timetable {
  /** The first moment after this one, in milliseconds since 1970; `undefined` where there is none any more. */
  after(now: number): number | undefined
}

/** A cron expression in a time zone, and where it was given. */
export interface CronTimes {
  readonly where: string
  readonly cron: string
  readonly timezone: string
}

/**
 * The times of a cron expression. Where clocks are put forward, what would be in the hour that is not is an hour later;
 * where they are put back, what is in the hour that is twice is once, and what is every hour is every hour.
 *
 * @throws InvalidRequestError for no expression, no time zone, and an expression that never comes
 */
export async function timetable({ where, cron, timezone }: CronTimes): Promise<Timetable> {
  // Loaded only where there is something to schedule.
  const { Cron } = await import('croner')
  const made = attempt(() => new Cron(cron, { timezone, paused: true }), where)
  const after = (now: number): number | undefined => made.nextRun(new Date(now))?.getTime()
  if (attempt(() => after(Date.UTC(2026, 0, 1)), where) === undefined) throw invalid(where, 'it never comes')
  return { after }
}

function attempt<T>(make: () => T, where: string): T {
  try {
    return make()
  } catch (error) {
    throw invalid(where, 'it is no cron expression, or the time zone is none', error)
  }
}

function invalid(where: string, message: string, cause?: unknown): InvalidRequestError {
  return new InvalidRequestError(`${where}: ${message}`, [{ path: where, message }], { cause })
}
