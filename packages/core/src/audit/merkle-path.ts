import { nodeHash } from '../crypto/hash.ts'

/** The leaves from `start` to before `end`, whose Merkle tree hash is meant. */
export interface Span {
  readonly start: number
  readonly end: number
}

/** A complete subtree: the leaves from `index · 2^height` to before `(index + 1) · 2^height`. */
export interface TreeNode {
  readonly height: number
  readonly index: number
}

/** Which hashes prove that a leaf stands in a tree: PATH of RFC 6962 section 2.1.1. */
export function inclusionPath(index: number, size: number): Span[] {
  const path: Span[] = []
  for (let [start, end] = [0, size]; end - start > 1;) {
    const middle = start + splitOf(end - start)
    path.push(index < middle ? { start: middle, end } : { start, end: middle })
    if (index < middle) end = middle
    else start = middle
  }
  return path.toReversed()
}

/** Which hashes prove that a tree grew out of a smaller one: PROOF of RFC 6962 section 2.1.2. */
export function consistencyPath(from: number, to: number): Span[] {
  const path: Span[] = []
  if (from === to) return path
  let [start, end, whole] = [0, to, true]
  while (from < end) {
    const middle = start + splitOf(end - start)
    path.push(from <= middle ? { start: middle, end } : { start, end: middle })
    if (from <= middle) end = middle
    else [start, whole] = [middle, false]
  }
  if (!whole) path.push({ start, end })
  return path.toReversed()
}

/** The complete subtrees that a span consists of, from the left. It begins where a subtree of its size may begin. */
export function subtreesOf({ start, end }: Span): TreeNode[] {
  const nodes: TreeNode[] = []
  for (let place = start; place < end;) {
    const height = Math.floor(Math.log2(end - place))
    const size = sizeAt(height, end - place)
    nodes.push({ height: Math.round(Math.log2(size)), index: place / size })
    place += size
  }
  return nodes
}

/** The leaves of a complete subtree. */
export function spanOf({ height, index }: TreeNode): Span {
  const size = 2 ** height
  return { start: index * size, end: (index + 1) * size }
}

/** The Merkle tree hash of a span, from the hashes of its complete subtrees. */
export function hashOfSpan(span: Span, hashOf: (node: TreeNode) => Buffer): Buffer {
  return subtreesOf(span)
    .map(hashOf)
    .reduceRight((right, left) => nodeHash(left, right))
}

/** The largest power of two below a number of leaves. */
function splitOf(leaves: number): number {
  let split = 1
  while (split * 2 < leaves) split *= 2
  return split
}

/** The largest power of two that is not above a number of leaves; logarithms alone are not exact. */
function sizeAt(height: number, leaves: number): number {
  const size = 2 ** height
  if (size > leaves) return size / 2
  return size * 2 <= leaves ? size * 2 : size
}
