import type { UseEntry } from './audit/entry.ts'
import { aborted } from './audit/queue.ts'
import { attempt, raise } from './attempt.ts'
import { parse, parseOptions, type CallOptions } from './call.ts'
import type { Caller } from './drafts.ts'
import type { UseOperation } from './runtime.ts'
import type { Actor } from './stages.ts'
import { withSignal } from './walk-limits.ts'
import { LiveWalk } from './walk.ts'
import type { WalkParts } from './walk-parts.ts'

/**
 * Runs a read without a record: for a list that goes on, and for a store that is only looked at. If the state has moved
 * while it read, it is decided and done again.
 */
export async function readUnrecorded<Q, P, R>(
  parts: WalkParts,
  operation: UseOperation<Q, P, R>,
  on: Unrecorded<Q>,
): Promise<R> {
  const { signal, requestId } = parseOptions(on.call.options)
  const request = parse(operation.schema, on.input)
  const startedAt = parts.clock.monotonic()
  const caller: Caller = { actor: on.call.actor, action: operation.action, requestId, startedAt }
  for (;;) {
    if (signal?.aborted === true) throw aborted(signal)
    const walk = new LiveWalk(withSignal(parts, signal), caller)
    const done = await attempt(async () => operation.perform(request, walk))
    const entry = walk.entry(done.result, done.error)
    if (done.error !== undefined) {
      await on.refused?.(entry)
      return raise(done.error)
    }
    if (await entry.holds(parts.view, parts.clock.now())) return done.result as R
  }
}

/** A read that is not recorded, unless it is refused. */
export interface Unrecorded<Q> {
  readonly input: Q
  readonly call: Call
  readonly refused?: ((entry: UseEntry) => Promise<void>) | undefined
}

/** Who calls, and with what options. */
export interface Call {
  readonly actor: Actor
  readonly options: CallOptions | undefined
}
