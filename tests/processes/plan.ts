import type { Place } from './place.ts'

/** What one caller asks for. `by` is a principal, `key` a name, `message` the number of a message that the worker has. */
export type Ask =
  | { readonly type: 'encrypt'; readonly by: string; readonly key: string }
  | { readonly type: 'decrypt'; readonly by: string; readonly message: number }
  | { readonly type: 'reEncrypt'; readonly by: string; readonly message: number }
  | { readonly type: 'create' | 'rotate'; readonly by: string; readonly key: string }
  | {
      readonly type: 'disable' | 'enable' | 'revoke'
      readonly by: string
      readonly key: string
      readonly version: number | undefined
    }
  | {
      readonly type: 'grant'
      readonly by: string
      readonly to: string
      readonly key: string
      readonly operations: readonly string[]
      readonly expiresAt: number | undefined
    }
  | { readonly type: 'ungrant'; readonly by: string; readonly grant: string }
  | { readonly type: 'activate' | 'deactivate'; readonly by: string; readonly who: string }

/** An operation as its caller saw it. Times are of the system's monotonic clock, which all processes share. */
export interface Seen {
  readonly requestId: string
  readonly ask: Ask
  /** What was sealed, where something was opened. */
  readonly sealed?: { readonly key: string; readonly version: number } | undefined
  readonly invoked: bigint
  readonly returned: bigint
  readonly code: string | undefined
  /** For `AUDIT_UNAVAILABLE`: whether certainly nothing happened. */
  readonly outcome?: string | undefined
  readonly keyVersion: number | undefined
  /** Id of the grant that was made. */
  readonly grant: string | undefined
  /** What an encryption returned, where it is kept. */
  readonly ciphertext?: string | undefined
}

/** Whether nobody knows what became of it: it may be in the chain, and may have come there at any time. */
export function isUnknown({ code, outcome }: Seen): boolean {
  return code === 'AUDIT_UNAVAILABLE' && outcome === 'unknown'
}

/** What callers are told while the storage, or the way to it, is away. */
const unavailable: readonly (string | undefined)[] = ['AUDIT_UNAVAILABLE', 'STORAGE_UNAVAILABLE']

/** Whether there was an answer, be it a refusal: the storage was there. */
export function isAnswered({ code }: Pick<Seen, 'code'>): boolean {
  return !unavailable.includes(code)
}

/** How a rig is set up. */
export interface RigPlan {
  readonly operations: number
  readonly processes: number
  readonly callers: number
  readonly seed: number
}

/** What a worker is told. */
export interface WorkerPlan {
  readonly place: Place
  readonly name: string
  readonly operations: number
  readonly callers: number
  readonly seed: number
  readonly rootKey: string
  /** Grants that there are already. */
  readonly grants: readonly string[]
  /** Where it writes what it saw. */
  readonly log: string
}

/** The keys that there are at first. */
export const keys: readonly string[] = Array.from({ length: 60 }, (_, index) => `key-${index}`)
/** Principals with the role `service`. */
export const principals: readonly string[] = Array.from({ length: 8 }, (_, index) => `service-${index}`)

/** Numbers that repeat themselves for the same seed (mulberry32), from 0 up to, not including, 1. */
export function numbers(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** A seen operation as a line of text. */
export function toLine(seen: Seen): string {
  return JSON.stringify({ ...seen, invoked: String(seen.invoked), returned: String(seen.returned) })
}

/** The inverse of {@link toLine}. */
export function fromLine(line: string): Seen {
  const seen = JSON.parse(line) as Omit<Seen, 'invoked' | 'returned'> & { invoked: string; returned: string }
  return { ...seen, invoked: BigInt(seen.invoked), returned: BigInt(seen.returned) }
}
