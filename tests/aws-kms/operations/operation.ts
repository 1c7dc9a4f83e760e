import type { Keys } from '../keys.ts'

/** What an operation works with. */
export interface Engine {
  readonly keys: Keys
}

/** One operation: its input to its output, or a `WireError`. */
export type Operation = (input: Readonly<Record<string, unknown>>, engine: Engine) => unknown
