import type { StateCache } from '../state/cache.ts'
import type { StorageTransaction } from '../storage/adapter.ts'
import type { Entry } from './entry.ts'
import { isSameHead, type Head } from './head.ts'
import type { HeadGuard } from './head-guard.ts'

/** What a process knows besides. */
interface Known {
  readonly cache: StateCache
  readonly guard: HeadGuard
  readonly now: number
}

/**
 * The head that the next batch will find, where nobody else seems to write: the one that the last batch left, if that
 * batch had found the one before it. Where others write too it is not foreseen, so that little is done in vain.
 */
export class ForeseenHead {
  #left: Head | undefined
  #isLikely = false

  /** The head to link these to before it is read; `undefined` where it has to be read first, or they need the state. */
  of(entries: readonly Entry[], { cache, guard, now }: Known): Head | undefined {
    const left = this.#isLikely ? this.#left : undefined
    if (left === undefined || guard.seen !== left || cache.revision !== left.revision) return undefined
    for (const entry of entries) {
      if (entry.kind !== 'use' || entry.inside !== undefined || entry.revision !== left.revision) return undefined
    }
    return areAllowedAt(now, entries) ? left : undefined
  }

  /** A batch has found this head. */
  found(head: Head): void {
    this.#isLikely = this.#left !== undefined && isSameHead(this.#left, head)
  }

  /** A batch was not written, for whatever reason. */
  missed(): void {
    this.#isLikely = false
  }

  /** A batch has left this head. */
  left(head: Head): void {
    this.#left = head
  }
}

/** Whether no use among these would have to be decided again for the time that it is. */
export function areAllowedAt(now: number, entries: readonly Entry[]): boolean {
  return entries.every((entry) => entry.kind !== 'use' || now < entry.validUntil)
}

/** A transaction that reads nothing before something is known. */
export function readingAfter(known: Promise<void>, tx: StorageTransaction): StorageTransaction {
  return {
    get: async (table, key) => {
      await known
      return tx.get(table, key)
    },
    range: async (table, range) => {
      await known
      return tx.range(table, range)
    },
    insert: async (table, row) => tx.insert(table, row),
    replace: async (table, row, rev) => tx.replace(table, row, rev),
    remove: async (table, key, rev) => tx.remove(table, key, rev),
    append: async (table, rows) => tx.append(table, rows),
    savepoint: async (step) => tx.savepoint(step),
  }
}
