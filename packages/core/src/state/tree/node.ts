import { sha256 } from '../../crypto/hash.ts'
import { asBuffer } from '../../internal/bytes.ts'

const label = Buffer.from([1])
const hashBytes = 32
const mapBytes = 4

/** How many bits of a bucket's number a node decides: it has 2^5 children. */
export const bitsOfNode = 5

/** How many levels of nodes there are, from the root (0) down; the buckets are the level below. */
export const levelsOfNodes = 4

/** The content of a node without children, which is never stored. */
export const emptyNode = Buffer.alloc(mapBytes)

/** The name of a place in the tree. */
export function nodeName(level: number, place: number): string {
  return `${level}/${place}`
}

/** The hash of a node with this content. */
export function nodeHash(content: Uint8Array): Buffer {
  return sha256(label, content)
}

/**
 * The hash of a node's child; `undefined` where it has none there.
 *
 * ```text
 * map u32, bit n (from the lowest) set where there is a child n ‖ hash 32 of each child, in their order
 * ```
 */
export function childOf(content: Uint8Array, at: number): Buffer | undefined {
  const node = asBuffer(content)
  const map = node.readUInt32BE(0)
  if (!has(map, at)) return undefined
  const start = mapBytes + hashBytes * childrenBefore(map, at)
  return node.subarray(start, start + hashBytes)
}

/** Which children a node has. */
export function childrenOf(content: Uint8Array): number[] {
  const map = asBuffer(content).readUInt32BE(0)
  return Array.from({ length: 2 ** bitsOfNode }, (_, at) => at).filter((at) => has(map, at))
}

/** The content of a node with another child, or without one. */
export function withChild(content: Uint8Array, at: number, hash: Uint8Array | undefined): Buffer {
  const node = asBuffer(content)
  const map = node.readUInt32BE(0)
  const start = mapBytes + hashBytes * childrenBefore(map, at)
  const rest = node.subarray(start + (has(map, at) ? hashBytes : 0))
  const bit = 2 ** at
  const others = map - (has(map, at) ? bit : 0)
  const changed = Buffer.alloc(mapBytes)
  changed.writeUInt32BE(hash === undefined ? others : others + bit)
  return Buffer.concat([changed, node.subarray(mapBytes, start), hash ?? Buffer.alloc(0), rest])
}

function has(map: number, at: number): boolean {
  return ((map >>> at) & 1) === 1
}

function childrenBefore(map: number, at: number): number {
  let count = 0
  for (let bit = 0; bit < at; bit++) count += (map >>> bit) & 1
  return count
}
