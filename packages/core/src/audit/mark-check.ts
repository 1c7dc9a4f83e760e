import type { StorageReader } from '../storage/adapter.ts'
import { verifyCheckpoint } from './checkpoint.ts'
import { goesOnFrom } from './growth.ts'
import type { Head } from './head.ts'
import type { Mark } from './high-water-mark.ts'

/** The log that a mark is compared with. */
export interface MarkedLog {
  readonly head: Head
  readonly origin: string
  /** The keys that have signed it, one after the other. */
  readonly publicKeys: readonly Uint8Array[]
}

/**
 * What speaks against a log, by its mark: that it is shorter than it was, or another. Where it is longer, a consistency
 * proof shows that it goes on from there.
 *
 * @returns what is wrong, in words; `undefined` where the log goes on from the mark.
 */
export async function faultByMark(
  reader: StorageReader,
  log: MarkedLog,
  mark: Mark | undefined,
): Promise<string | undefined> {
  const { head } = log
  if (mark === undefined) {
    return head.size > 1 ? `the log has ${head.size} records, and its high-water mark is missing` : undefined
  }
  if (!isOurs(log, mark)) return 'the high-water mark is of another database'
  if (head.size < mark.size) {
    return `the log has ${head.size} records, and had ${mark.size} when its high-water mark was made`
  }
  if (await goesOn(reader, head, mark)) return undefined
  return `the log has other records than it had when its high-water mark of ${mark.size} was made`
}

/** The root that a mark's checkpoint names. */
export function rootOfMark({ checkpoint }: Mark): Buffer {
  return Buffer.from(checkpoint.split('\n')[2] ?? '', 'base64')
}

function isOurs({ origin, publicKeys }: MarkedLog, mark: Mark): boolean {
  const { size, checkpoint } = mark
  const root = rootOfMark(mark)
  return publicKeys.some((key) => verifyCheckpoint(checkpoint, { origin, size, root }, key))
}

async function goesOn(reader: StorageReader, head: Head, mark: Mark): Promise<boolean> {
  if (head.size === mark.size && head.headHash.toString('hex') !== mark.headHash) return false
  return goesOnFrom(reader, { size: mark.size, root: rootOfMark(mark) }, head)
}
