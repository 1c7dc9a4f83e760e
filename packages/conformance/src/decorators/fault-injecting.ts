import type { StorageAdapter } from '@chatelaine/core/storage'
import { intercepted } from './intercept.ts'
import type { StorageCall, StorageCallName } from './intercept.ts'

/** What goes wrong with a call: on which side of its work, and with what. */
export interface Fault {
  /** `before`: the call does nothing. `after`: it does everything, and then fails all the same. */
  readonly position: 'before' | 'after'
  /** Makes what is thrown. An adapter that is to stay honest never claims `none` for what was applied. */
  readonly error: () => unknown
}

/** Decides of each call whether it fails. */
export type FaultSchedule = (call: StorageCall) => Fault | undefined

/** A storage of which some calls fail. Until it is armed, none does. */
export interface FaultInjectingStorage extends StorageAdapter {
  /** The names of all calls since it was armed. */
  readonly calls: readonly StorageCallName[]
  /** Counts calls anew from 1, and lets them fail as this says. */
  arm(schedule: FaultSchedule): void
  /** Counts calls anew from 1, and lets the one with this number fail. */
  failAt(number: number, fault: Fault): void
  /** Lets nothing fail any more, and counts no more. */
  disarm(): void
}

/**
 * A storage of which some calls fail, before they did anything or after they did everything: for tests that show what
 * becomes of a caller then. Disarmed it keeps the contract.
 *
 * @example
 * ```ts no-check
 * const storage = faultInjecting(memoryStorage())
 * const kms = await createKms({ storage, rootKey })
 * storage.failAt(3, { position: 'after', error: () => new StorageFailure('cut', { transient: true, outcome: 'unknown' }) })
 * ```
 */
export function faultInjecting(storage: StorageAdapter): FaultInjectingStorage {
  const calls: StorageCallName[] = []
  let schedule: FaultSchedule | undefined
  const decorated = intercepted(storage, async (call, work) => {
    if (schedule === undefined) return work()
    const fault = schedule({ ...call, number: calls.push(call.name) })
    if (fault === undefined) return work()
    if (fault.position === 'after') await work()
    throw fault.error()
  })
  const arm = (next: FaultSchedule): void => {
    calls.length = 0
    schedule = next
  }
  return {
    ...decorated,
    calls,
    arm,
    failAt: (number, fault) => arm((call) => (call.number === number ? fault : undefined)),
    disarm: () => {
      schedule = undefined
    },
  }
}
