/** Time as the library sees it. Injected, so that tests own it. */
export interface Clock {
  /** Milliseconds since 1970-01-01T00:00:00Z, by the wall clock. */
  now(): number
  /** Milliseconds since some fixed moment; never runs backwards. May have fractions. */
  monotonic(): number
}

/** Timers as the library sees them. Injected, so that tests own them. */
export interface Timers {
  /** Calls back once, after at least `delayMs` milliseconds. Returns how to cancel. */
  after(delayMs: number, callback: () => void): () => void
  /** The same, without keeping the process alive. @defaultValue `after` */
  inBackground?(delayMs: number, callback: () => void): () => void
  /** Resolves after other work that is ready has had its turn. */
  turn(): Promise<void>
}

/** Resolves after this many milliseconds. */
export async function pause(timers: Timers, delayMs: number): Promise<void> {
  return new Promise((resolve) => void timers.after(delayMs, resolve))
}
