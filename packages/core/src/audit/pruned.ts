import { asBuffer } from '../internal/bytes.ts'
import type { Query } from '../state/query.ts'
import type { StorageReader, StorageTransaction } from '../storage/adapter.ts'
import type { Row } from '../storage/table.ts'
import { leafHash } from '../crypto/hash.ts'
import { StorageTamperedError } from '../errors.ts'
import { splitHashes } from './stored-tree.ts'
import { tileWidth } from './tile.ts'

/** How far a log was pruned: its records before `size` are gone, record 0 apart. */
export interface Pruned {
  readonly size: number
  /** Hash of the last record that is gone. */
  readonly headHash: Buffer
  /** Frontier of the tree over everything that is gone. */
  readonly frontier: Buffer
  readonly rev: number
}

/** The one row that says how far the log was pruned. */
export const prunedLog: Query<Pruned | undefined> = {
  table: 'pruning',
  key: ['log'],
  decode: ([row]) => (row === undefined ? undefined : prunedOf(row)),
}

/** The row as a store that is only looked at has it. */
export async function readPruned(reader: Pick<StorageReader, 'get'>, tenant: string): Promise<Pruned | undefined> {
  return prunedLog.decode([await reader.get('pruning', [tenant, 'log'])].filter((row) => row !== undefined))
}

function prunedOf(row: Row): Pruned & Row {
  const [headHash, frontier] = [asBuffer(row['headHash'] as Uint8Array), asBuffer(row['frontier'] as Uint8Array)]
  return { ...row, size: row['size'] as number, headHash, frontier, rev: row['rev'] as number }
}

/**
 * Removes records that were pruned, of one tile: their hashes go into that tile of level 0 first, so that proofs do not
 * need them. Record 0 stays, for it names the log. Says whether there may be more. A crash leaves records that were
 * pruned and are still there: whoever sweeps next removes them.
 */
export async function sweepTile(tx: StorageTransaction, tenant: string, size: number): Promise<boolean> {
  const [first] = await tx.range('records', { prefix: [tenant], after: [0], limit: 1 })
  const seq = first?.['seq'] as number | undefined
  if (seq === undefined || seq >= size) return false
  const tile = Math.floor(seq / tileWidth)
  const start = tile * tileWidth
  const limit = Math.min(tileWidth, size - start)
  const rows = await tx.range('records', { prefix: [tenant], after: [start - 1], limit })
  const stored = await tx.get('tiles', [tenant, 0, tile])
  const known = stored === undefined ? [] : splitHashes(stored['hashes'] as Uint8Array)
  const gone = rows.filter((row) => (row['seq'] as number) < start + limit)
  const hashes = withHashesOf(gone, { start, known })
  // What is gone can prove nothing any more: its tile has to, and so does the one before it.
  if (hashes.length < limit || !(await isStoredBefore(tx, tenant, tile))) throw missing()
  if (stored !== undefined) await tx.remove('tiles', [tenant, 0, tile])
  await tx.insert('tiles', { tenant, level: 0, tile, hashes: Buffer.concat(hashes) })
  for (const row of gone) if (row['seq'] !== 0) await tx.remove('records', [tenant, row['seq'] as number])
  return true
}

/** Whether the tile before a tile is stored, whole. */
async function isStoredBefore(tx: StorageTransaction, tenant: string, tile: number): Promise<boolean> {
  if (tile === 0) return true
  const before = await tx.get('tiles', [tenant, 0, tile - 1])
  return before !== undefined && splitHashes(before['hashes'] as Uint8Array).length === tileWidth
}

function missing(): StorageTamperedError {
  return new StorageTamperedError('a record that was pruned is missing')
}

/** The hashes of a tile, with those of further records. @throws StorageTamperedError */
function withHashesOf(rows: readonly Row[], { start, known }: { start: number; known: readonly Buffer[] }): Buffer[] {
  const hashes = [...known]
  for (const row of rows) {
    const place = (row['seq'] as number) - start
    if (place > hashes.length) throw missing()
    // Also where the tile has one already: nobody has checked that, and the record can say it for the last time.
    hashes[place] = leafHash(row['text'] as string)
  }
  return hashes
}
