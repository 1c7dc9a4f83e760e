import { StorageTamperedError } from '../errors.ts'
import { limits } from '../internal/defaults.ts'
import type { MessageCountRow } from '../state/lifecycle-rows.ts'
import { policyOf } from '../state/policy.ts'
import type { Query } from '../state/query.ts'
import type { RowWriter } from '../state/row-writer.ts'
import { rowsAs, type KeyRow } from '../state/rows.ts'

/** How many messages a version may have protected, where they are counted. */
export function messageCountOf(keyId: string, version: number): Query<MessageCountRow | undefined> {
  return {
    table: 'message_counts',
    key: [keyId, version],
    decode: (rows) => rowsAs<MessageCountRow>(rows)[0],
  }
}

/** Whether the policy of a key wants it rotated for the messages that its current version has protected. */
export function isSpent(key: KeyRow, messages: number): boolean {
  return messages >= (policyOf(key).rotateAfterMessages ?? Infinity)
}

/** Messages that a process took in advance for a version, and of which it has not made use. */
export interface Lease {
  readonly left: number
  /** How many it takes next. */
  readonly next: number
}

/** A process that knows nothing of a version yet: it begins with one message, so that one that ends soon wastes few. */
export const noLease: Lease = Object.freeze({ left: 0, next: 1 })

/** A lease after so many messages, and what had to be taken for them. */
export interface Leased {
  readonly lease: Lease
  readonly taken: number
}

/**
 * Makes use of a lease, and takes more where it is used up: twice as much each time, up to a 64th of what a version is to
 * protect. So a process wastes no more than it used when it ends, and writes seldom while it goes on.
 */
export function useLease({ left, next }: Lease, count: number, most: number): Leased {
  if (count <= left) return { lease: { left: left - count, next }, taken: 0 }
  const taken = Math.max(next, count - left)
  const largest = Math.max(1, Math.min(limits.leasedMessages, Math.floor(most / 64)))
  return { lease: { left: left + taken - count, next: Math.min(next * 2, largest) }, taken }
}

/** Writes down that messages were taken, beside those that are written down already. How many that makes. */
export async function takeMessages(writer: RowWriter, of: Take): Promise<number> {
  const { keyId, version, taken, row } = of
  if (row !== undefined) {
    return (await writer.update('message_counts', row, { messages: row.messages + taken })).messages
  }
  const there = (): StorageTamperedError => new StorageTamperedError('a count that was not there is there')
  await writer.insert('message_counts', { keyId, version, messages: taken }, there)
  return taken
}

/** So many messages that are taken for a version. */
export interface Take {
  readonly keyId: string
  readonly version: number
  readonly taken: number
  /** The count as it was read; `undefined` where there is none. */
  readonly row: MessageCountRow | undefined
}
