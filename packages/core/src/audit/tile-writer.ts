import type { StorageTransaction } from '../storage/adapter.ts'
import type { BatchCompanion, LinkedBatch } from './companion.ts'
import type { TileEntry } from './merkle.ts'
import { tileWidth } from './tile.ts'

/**
 * Keeps the tiles of level 1 and above: one hash more for every 256 records, and one for every 65,536 a level higher.
 * Hashes of level 0 are those of the records. A tile that is not complete up to a hash does not get it: what is
 * missing, because the records are older than the tiles, is read from the records instead.
 */
export class TileWriter implements BatchCompanion {
  async write(tx: StorageTransaction, { head: { tenant }, chain: { tileEntries } }: LinkedBatch): Promise<void> {
    for (const entry of tileEntries) await addToTile(tx, tenant, entry)
  }
}

/** Adds a hash to its tile, if everything before it is there. */
export async function addToTile(tx: StorageTransaction, tenant: string, entry: TileEntry): Promise<void> {
  const { level, index, hash } = entry
  const tile = Math.floor(index / tileWidth)
  const before = (index % tileWidth) * hash.length
  const place = { tenant, level, tile }
  const row = await tx.get('tiles', [tenant, level, tile])
  const known = row === undefined ? Buffer.alloc(0) : (row['hashes'] as Uint8Array)
  if (known.byteLength !== before) return
  if (row !== undefined) await tx.remove('tiles', [tenant, level, tile])
  await tx.insert('tiles', { ...place, hashes: Buffer.concat([known, hash]) })
}
