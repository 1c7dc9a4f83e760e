import { nodeHash } from '../crypto/hash.ts'
import { StorageTamperedError } from '../errors.ts'
import { asBuffer } from '../internal/bytes.ts'
import type { StorageReader } from '../storage/adapter.ts'
import { tileHeight, type Frontier } from './merkle.ts'
import { hashOfSpan, subtreesOf, type Span, type TreeNode } from './merkle-path.ts'
import { hashLength, tileWidth } from './tile.ts'

/** Where a tree is read. */
export interface StoredTreeParts {
  readonly reader: StorageReader
  readonly tenant: string
  /** The authenticated frontier: hashes that stand in it are not read. */
  readonly frontier: Frontier
}

/**
 * The Merkle tree of a log as it is stored: in tiles, and in the records of a tile that is not complete. Each tile is read
 * once, so that a proof takes a read for each level and edge.
 *
 * **Nothing in here is authenticated.** Whoever uses these hashes proves with them what is authentic.
 */
export class StoredTree {
  readonly #parts: StoredTreeParts
  readonly #tiles = new Map<string, readonly Buffer[]>()

  constructor(parts: StoredTreeParts) {
    this.#parts = parts
  }

  /** The Merkle tree hashes of spans of leaves. @throws StorageTamperedError where something is missing. */
  async hashesOf(spans: readonly Span[]): Promise<Buffer[]> {
    const hashes = new Map<string, Buffer>()
    for (const node of spans.flatMap(subtreesOf)) hashes.set(nameOf(node), await this.#hashOf(node))
    return spans.map((span) => hashOfSpan(span, (node) => hashes.get(nameOf(node)) as Buffer))
  }

  /** The hashes of a level from one place on, all of one tile. */
  async entries(level: number, start: number, count: number): Promise<readonly Buffer[]> {
    const offset = start % tileWidth
    const known = await this.#tile(level, (start - offset) / tileWidth)
    const entries: Buffer[] = []
    for (let i = 0; i < count; i++) entries.push(known[offset + i] ?? (await this.#entryFromBelow(level, start + i)))
    return entries
  }

  async #hashOf(node: TreeNode): Promise<Buffer> {
    const peak = this.#parts.frontier.peak(node)
    if (peak !== undefined) return peak
    const width = 2 ** (node.height % tileHeight)
    return rootOf(await this.entries(Math.floor(node.height / tileHeight), node.index * width, width))
  }

  /** A hash that its tile lacks, because its records are older than tiles are. */
  async #entryFromBelow(level: number, index: number): Promise<Buffer> {
    if (level === 0) throw new StorageTamperedError('a hash of the audit log is missing')
    return rootOf(await this.entries(level - 1, index * tileWidth, tileWidth))
  }

  async #tile(level: number, tile: number): Promise<readonly Buffer[]> {
    const name = `${level}/${tile}`
    const known = this.#tiles.get(name)
    if (known !== undefined) return known
    const hashes = level === 0 ? await this.#leaves(tile) : await this.#stored(level, tile)
    this.#tiles.set(name, hashes)
    return hashes
  }

  /** The hashes of 256 records, or of the last ones. What their tile lacks, the records have. */
  async #leaves(tile: number): Promise<readonly Buffer[]> {
    const { reader, tenant, frontier } = this.#parts
    const start = tile * tileWidth
    const limit = Math.min(tileWidth, frontier.size - start)
    if (limit <= 0) return []
    const hashes = await this.#stored(0, tile)
    if (hashes.length >= limit) return hashes
    for (const row of await reader.range('records', { prefix: [tenant], after: [start - 1], limit })) {
      const place = (row['seq'] as number) - start
      if (place < limit) hashes[place] = asBuffer(row['hash'] as Uint8Array)
    }
    return hashes
  }

  async #stored(level: number, tile: number): Promise<Buffer[]> {
    const row = await this.#parts.reader.get('tiles', [this.#parts.tenant, level, tile])
    return row === undefined ? [] : splitHashes(row['hashes'] as Uint8Array)
  }
}

/** The hashes of a tile. What is left over is not one. */
export function splitHashes(bytes: Uint8Array): Buffer[] {
  const all = asBuffer(bytes)
  const count = Math.floor(all.length / hashLength)
  return Array.from({ length: count }, (_, i) => all.subarray(i * hashLength, (i + 1) * hashLength))
}

/** The root over a power of two of hashes. */
export function rootOf(hashes: readonly Buffer[]): Buffer {
  let level = hashes
  while (level.length > 1) {
    const above: Buffer[] = []
    for (let i = 0; i < level.length; i += 2) above.push(nodeHash(level[i] as Buffer, level[i + 1] as Buffer))
    level = above
  }
  return level[0] as Buffer
}

function nameOf({ height, index }: TreeNode): string {
  return `${height}/${index}`
}
