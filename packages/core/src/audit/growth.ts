import { isKmsError } from '../errors.ts'
import type { StorageReader } from '../storage/adapter.ts'
import type { Head } from './head.ts'
import { Frontier } from './merkle.ts'
import { consistencyPath } from './merkle-path.ts'
import { isConsistent } from './merkle-proof.ts'
import { StoredTree } from './stored-tree.ts'

/**
 * Whether a log goes on from what it was when it had this root: by a consistency proof from the stored tree, whose hashes
 * prove themselves. What is read grows with the logarithm of the log.
 *
 * @throws StorageTamperedError where the tree lacks something.
 */
export async function hasGrown(
  reader: StorageReader,
  from: { readonly size: number; readonly root: Buffer },
  head: Head,
): Promise<boolean> {
  const frontier = new Frontier(head.size, head.frontier)
  const tree = new StoredTree({ reader, tenant: head.tenant, frontier })
  const proof = await tree.hashesOf(consistencyPath(from.size, head.size))
  return isConsistent({ from: from.size, fromRoot: from.root, to: head.size, toRoot: frontier.root(), proof })
}

/** The same, for a log that may lack anything: what its tree lacks was taken away, or never was of this log. */
export async function goesOnFrom(
  reader: StorageReader,
  from: Parameters<typeof hasGrown>[1],
  head: Head,
): Promise<boolean> {
  try {
    return await hasGrown(reader, from, head)
  } catch (error) {
    if (isKmsError(error, 'STORAGE_TAMPERED')) return false
    throw error
  }
}
