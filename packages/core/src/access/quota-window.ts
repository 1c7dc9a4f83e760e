import { StorageTamperedError } from '../errors.ts'
import { jcs } from '../internal/jcs.ts'

/** So many times one window keeps at most: where more is allowed, what is done close together is kept as one. */
const mostTimes = 1000

/** When something was done, and how often then. */
type Time = readonly [time: number, count: number]

/** How often something may be done. */
export interface Allowance {
  readonly most: number
  readonly windowSeconds: number
}

/** When something is done. */
export interface QuotaTimes {
  /** By the clock of this process: what is not so old counts. */
  readonly now: number
  /** The latest time that is known of: what is done now is kept as done then, whatever this clock was set back to. */
  readonly latest: number
}

/**
 * How often something was done in a window of time that ends now. With more than a thousand allowed, times are rounded
 * up to a thousandth of the window: more than is allowed is never done, and what was done counts a little longer.
 */
export class QuotaWindow {
  readonly #most: number
  readonly #windowMs: number
  readonly #at: number
  readonly #times: Time[]
  #added = 0
  #used: number

  /** @throws StorageTamperedError for what was never written as `times` */
  constructor({ most, windowSeconds }: Allowance, times: string, { now, latest }: QuotaTimes) {
    this.#most = most
    this.#windowMs = windowSeconds * 1000
    this.#at = Math.max(now, latest)
    // A clock that was set back frees nothing: what lies in the future counts.
    this.#times = timesOf(times).filter(([time]) => time > now - this.#windowMs)
    this.#used = this.#times.reduce((sum, [, count]) => sum + count, 0)
  }

  /** Whether something was added. */
  get isChanged(): boolean {
    return this.#added > 0
  }

  /** Whether it may be done so often more. */
  hasRoom(count: number): boolean {
    return this.#used + count <= this.#most
  }

  /** Adds what is done now; what is taken back counts less. */
  add(count: number): void {
    this.#added += count
    this.#used += count
  }

  /** When there is room for so much; `undefined` where there never is. */
  roomAt(count: number): Date | undefined {
    let tooMuch = this.#used + count - this.#most
    for (const [time, done] of this.#all().toSorted(([a], [b]) => a - b)) {
      tooMuch -= done
      if (tooMuch <= 0) return new Date(time + this.#windowMs)
    }
    return undefined
  }

  /** All of it, as it is stored. */
  toText(): string {
    return jcs(this.#all().map((time) => [...time]))
  }

  #all(): readonly Time[] {
    if (this.#added === 0) return this.#times
    const step = this.#most <= mostTimes ? 1 : Math.ceil(this.#windowMs / mostTimes)
    const at = Math.ceil(this.#at / step) * step
    const before = this.#times.find(([time]) => time === at)?.[1] ?? 0
    return [...this.#times.filter(([time]) => time !== at), [at, before + this.#added]]
  }
}

/** Whether all of these times left every window of so many milliseconds more than a day ago, whatever clocks disagree. */
export function isPast(times: string, windowMs: number, now: number): boolean {
  return timesOf(times).every(([time]) => time + windowMs + dayMs <= now)
}

const dayMs = 86_400_000

function timesOf(text: string): readonly Time[] {
  const times = JSON.parse(text) as unknown
  if (Array.isArray(times) && times.every(isTime)) return times
  throw new StorageTamperedError('a stored row holds something in times that was never written there')
}

function isTime(value: unknown): value is Time {
  return (
    Array.isArray(value) && value.length === 2 && value.every((number) => Number.isSafeInteger(number) && number > 0)
  )
}
