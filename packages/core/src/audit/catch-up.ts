import { leafHash } from '../crypto/hash.ts'
import { StorageTamperedError } from '../errors.ts'
import { limits } from '../internal/defaults.ts'
import type { StateCache, Touched } from '../state/cache.ts'
import type { StorageReader } from '../storage/adapter.ts'
import { isChange } from './audit-record.ts'
import type { Head } from './head.ts'
import { readPruned } from './pruned.ts'
import type { RecordChange } from './record.ts'

/**
 * Brings a cache to the revision of a head. Each change's record names the one before it by place and hash, and the
 * head names the last, so that no change can be hidden. Too far behind, the cache is emptied instead.
 *
 * @throws StorageTamperedError
 */
export async function catchUp(reader: StorageReader, cache: StateCache, head: Head): Promise<void> {
  const behind = head.revision - cache.revision
  if (behind <= 0) return
  if (behind > limits.catchUpChanges) {
    cache.restart(head.revision)
    return
  }
  const touched: Touched[] = []
  let place = { seq: head.lastChange, hash: head.lastChangeHash.toString('hex') }
  for (let revision = head.revision; revision > head.revision - behind; revision--) {
    const change = await readChange(reader, head.tenant, place)
    if (change === undefined) {
      // Forgetting everything is right whatever was done to the log: what is read anew is checked anew.
      cache.restart(head.revision)
      return
    }
    if (change.revision !== revision) throw new StorageTamperedError('the records of changes do not follow each other')
    touched.push(...change.rows)
    place = { seq: change.previous, hash: change.previousHash }
  }
  cache.advance(head.revision, touched)
}

/** The change that a record is of; `undefined` where the record was pruned. */
async function readChange(
  reader: StorageReader,
  tenant: string,
  place: { readonly seq: number; readonly hash: string },
): Promise<RecordChange | undefined> {
  const row = await reader.get('records', [tenant, place.seq])
  if (row === undefined && place.seq < ((await readPruned(reader, tenant))?.size ?? 0)) return undefined
  const text = row?.['text']
  if (typeof text !== 'string' || leafHash(text).toString('hex') !== place.hash) {
    throw new StorageTamperedError('the record of a change is not the one that the chain names')
  }
  const { change } = JSON.parse(text) as { change?: unknown }
  if (!isChange(change)) throw new StorageTamperedError('the chain names a record that is not of a change')
  return change
}

/** Says that somebody has to catch up outside of the lock first. */
export class Behind extends Error {}

/** More changes than this are caught up with before the lock is taken, not under it. */
export const changesUnderLock = 64
