import { nodeHash, sha256 } from '../crypto/hash.ts'
import { asBuffer } from '../internal/bytes.ts'
import type { TreeNode } from './merkle-path.ts'

const hashBytes = 32
/** How many levels of the tree one tile spans. */
export const tileHeight = 8

/** A hash in a tile of level 1 or above (C2SP tlog-tiles): the root of a complete subtree of `256^level` leaves. */
export interface TileEntry {
  readonly level: number
  /** Its place in the level, through all tiles. */
  readonly index: number
  readonly hash: Buffer
}

/**
 * The frontier of a Merkle tree (RFC 6962 section 2.1): the roots of its complete subtrees, from the left. It is all
 * that appending and the tree's root need, 32 bytes for each one in the size's binary form.
 */
export class Frontier {
  readonly #peaks: Buffer[]
  readonly #onTile: ((entry: TileEntry) => void) | undefined
  #size: number

  /**
   * @param onTile - called with each hash that belongs into a tile of level 1 or above, when its subtree is complete.
   * @throws RangeError unless `bytes` is as long as the frontier of a tree of this size.
   */
  constructor(size = 0, bytes: Uint8Array = Buffer.alloc(0), onTile?: (entry: TileEntry) => void) {
    this.#onTile = onTile
    if (bytes.byteLength !== onesOf(size) * hashBytes) throw new RangeError('not the frontier of a tree of this size')
    const copy = Buffer.from(asBuffer(bytes))
    this.#size = size
    this.#peaks = Array.from({ length: onesOf(size) }, (_, i) => copy.subarray(i * hashBytes, (i + 1) * hashBytes))
  }

  /** How many leaves the tree has. */
  get size(): number {
    return this.#size
  }

  /** Adds the hash of a leaf. */
  append(leaf: Buffer): void {
    let hash = leaf
    let height = 0
    for (let rest = this.#size; rest % 2 === 1; rest = (rest - 1) / 2) {
      hash = nodeHash(this.#peaks.pop() as Buffer, hash)
      height += 1
      if (height % tileHeight === 0) this.#onTile?.({ level: height / tileHeight, index: (rest - 1) / 2, hash })
    }
    this.#peaks.push(hash)
    this.#size += 1
  }

  /** The root of one of the complete subtrees it consists of, by height and place; `undefined` for any other. */
  peak({ height, index }: TreeNode): Buffer | undefined {
    const below = Math.floor(this.#size / 2 ** height)
    if (below % 2 === 0 || index !== below - 1) return undefined
    // As many peaks are further left as the size has ones above this one.
    return this.#peaks[onesOf(below) - 1]
  }

  /** The tree's root; of the empty tree, the hash of nothing. */
  root(): Buffer {
    const last = this.#peaks.at(-1)
    if (last === undefined) return sha256()
    return this.#peaks.slice(0, -1).reduceRight((right, left) => nodeHash(left, right), last)
  }

  /** The frontier as it is stored. */
  toBytes(): Buffer {
    return Buffer.concat(this.#peaks)
  }
}

function onesOf(size: number): number {
  let ones = 0
  for (let rest = size; rest > 0; rest = Math.floor(rest / 2)) ones += rest % 2
  return ones
}
