import { raise } from './attempt.ts'
import type { UseEntry } from './audit/entry.ts'
import { isKmsError } from './errors.ts'
import type { StateView } from './state/view.ts'
import type { SnapshotView, WalkParts } from './walk-parts.ts'

/** A use that is done once more. */
export interface Inside {
  once(parts: WalkParts, view: SnapshotView): UseEntry | Promise<UseEntry>
  /** Wipes what it came to. */
  discard(): void
  /** Whether nobody waits for it any more. */
  readonly isAbandoned: boolean
}

/** Does a use once more under the lock, where nothing moves any more: so that no stream of changes starves it. */
export function doneInside(parts: WalkParts, use: Inside): NonNullable<UseEntry['inside']> {
  return async (locked, revision) => {
    // Whoever does not wait any more has wiped the request: what would be done is not what was asked for.
    if (use.isAbandoned) return undefined
    use.discard()
    const failures: unknown[] = []
    const read: StateView['read'] = async (query) => {
      try {
        return await locked.read(query)
      } catch (error) {
        failures.push(error)
        throw error
      }
    }
    const locking = { read, snapshot: parts.view.snapshot.bind(parts.view) }
    const entry = await use.once({ ...parts, revision: () => revision, recent: undefined }, locking)
    if (use.isAbandoned) return undefined
    return failures.length === 0 || isKmsError(failures[0]) ? entry : raise(failures[0])
  }
}
