import { allOf } from '../internal/all-of.ts'
import { asBuffer } from '../internal/bytes.ts'
import type { StorageTransaction } from '../storage/adapter.ts'
import type { BatchCompanion, LinkedBatch } from './companion.ts'
import type { TileEntry } from './merkle.ts'
import { tileWidth } from './tile.ts'

/** Hashes of records on end; the first is that of the record `start`. */
interface Leaves {
  readonly start: number
  readonly hashes: Buffer[]
}

/**
 * Keeps the tiles: those of level 0 when their 256 records are there, those of level 1 and above from their first hash
 * on, one more for every 256 records, and one for every 65,536 a level higher. A tile that is not complete up to a hash
 * does not get it: what is missing, because the records are older than the tiles, is read from the records instead.
 */
export class TileWriter implements BatchCompanion {
  /** The records since the last tile, as far as this process has written them. */
  #open: Leaves = { start: 0, hashes: [] }

  async write(tx: StorageTransaction, { before, head: { tenant }, chain }: LinkedBatch): Promise<void> {
    const leaves = this.#upTo(before.size, before.headHash)
    for (const { hash } of chain.rows) leaves.hashes.push(hash)
    // In one go, as far as they are rows of their own: each wait of one for another would be a round trip for everybody.
    const complete = chain.tileEntries.filter(({ level }) => level === 1)
    await allOf([
      ...complete.map(async ({ index }) => writeLeaves(tx, { tenant, tile: index }, leaves)),
      addToTiles(tx, tenant, chain.tileEntries),
    ])
    this.#open = sinceLastTile(leaves)
  }

  /** What is known of the records before a batch: those that end with the one that the head names are its own. */
  #upTo(size: number, headHash: Buffer): Leaves {
    const { start, hashes } = this.#open
    const isOurs = start + hashes.length === size && hashes.at(-1)?.equals(headHash) === true
    return isOurs ? { start, hashes: [...hashes] } : { start: size, hashes: [] }
  }
}

function sinceLastTile({ start, hashes }: Leaves): Leaves {
  const end = start + hashes.length
  const from = Math.max(start, end - (end % tileWidth))
  return { start: from, hashes: hashes.slice(from - start) }
}

/** Writes a tile of level 0, unless something of it stands there already because records of it were pruned. */
async function writeLeaves(tx: StorageTransaction, { tenant, tile }: TilePlace, known: Leaves): Promise<void> {
  const first = tile * tileWidth
  const missing = Math.max(0, known.start - first)
  const before =
    missing === 0 ? [] : await tx.range('records', { prefix: [tenant], after: [first - 1], limit: missing })
  if (before.length < missing || before.some((row, at) => row['seq'] !== first + at)) return
  if ((await tx.get('tiles', [tenant, 0, tile])) !== undefined) return
  const read = before.map((row) => asBuffer(row['hash'] as Uint8Array))
  const at = first + missing - known.start
  const hashes = Buffer.concat([...read, ...known.hashes.slice(at, at + tileWidth - missing)])
  await tx.insert('tiles', { tenant, level: 0, tile, hashes })
}

interface TilePlace {
  readonly tenant: string
  readonly tile: number
}

/** Adds hashes to their tiles, one after the other: more than one may belong into the same. */
async function addToTiles(tx: StorageTransaction, tenant: string, entries: readonly TileEntry[]): Promise<void> {
  for (const entry of entries) await addToTile(tx, tenant, entry)
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
  const removed = row === undefined ? [] : [tx.remove('tiles', [tenant, level, tile])]
  await allOf([...removed, tx.insert('tiles', { ...place, hashes: Buffer.concat([known, hash]) })])
}
