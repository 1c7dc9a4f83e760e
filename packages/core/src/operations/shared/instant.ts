import { z } from 'zod'
import { wireForms } from './wire-form.ts'

/** As it is when this module loads: nobody changes it afterwards. */
const getTime = (Date.prototype as { getTime: (this: unknown) => number }).getTime
/** The last millisecond of the year 9999, after which RFC 3339 has no name for a time. */
const last = 253_402_300_799_999

function timeOf(value: unknown): number {
  try {
    return Reflect.apply(getTime, value, [])
  } catch {
    return NaN
  }
}

/** A moment from 1970 to 9999, in milliseconds: of a `Date`, of whatever realm. */
export const instant: z.ZodType<number, Date> = z
  .custom<Date>((value) => {
    const time = timeOf(value)
    return time >= 0 && time <= last
  }, 'it is not a Date between 1970 and 9999')
  .transform(timeOf)
  .meta(wireForms.date)
