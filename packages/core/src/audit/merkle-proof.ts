import { nodeHash } from '../crypto/hash.ts'

/** An inclusion proof (RFC 6962 section 2.1.1), and what it is to prove. */
export interface InclusionClaim {
  /** Hash of the leaf. */
  readonly leaf: Uint8Array
  /** Where the leaf stands, from 0. */
  readonly index: number
  /** How many leaves the tree has. */
  readonly size: number
  /** The tree's root. */
  readonly root: Uint8Array
  /** The proof: hashes from the leaf's sibling up to the child of the root. */
  readonly proof: readonly Uint8Array[]
}

/** A consistency proof (RFC 6962 section 2.1.2), and what it is to prove. */
export interface ConsistencyClaim {
  /** How many leaves the older tree has, at least 1: an empty one proves nothing. */
  readonly from: number
  /** Its root. */
  readonly fromRoot: Uint8Array
  /** How many leaves the newer tree has. */
  readonly to: number
  /** Its root. */
  readonly toRoot: Uint8Array
  /** The proof. */
  readonly proof: readonly Uint8Array[]
}

/** No tree that can be numbered has a longer path. */
const maxProofLength = 64

/**
 * Whether a leaf stands at this place of the tree with this root (RFC 9162 section 2.1.3.2). Whatever is malformed,
 * too short, too long, or beyond the tree, is `false`; nothing throws.
 */
export function isIncluded({ leaf, index, size, root, proof }: InclusionClaim): boolean {
  const isPossible = isCount(index) && isCount(size) && index < size && areHashes(leaf, root) && isProof(proof)
  if (!isPossible) return false
  const path = new Path(index, size - 1)
  let hash: Uint8Array = leaf
  for (const other of proof) {
    if (path.last === 0) return false
    hash = path.step() === 'left' ? nodeHash(other, hash) : nodeHash(hash, other)
  }
  return path.last === 0 && same(hash, root)
}

/**
 * Whether the newer tree begins with all of the older one (RFC 9162 section 2.1.4.2). Whatever is malformed, too short
 * or too long, is `false`, and so is a proof from an empty tree; nothing throws.
 */
export function isConsistent({ from, fromRoot, to, toRoot, proof }: ConsistencyClaim): boolean {
  if (!mayGrow(from, to)) return false
  if (from === to) return proof.length === 0 && same(fromRoot, toRoot)
  if (!areHashes(fromRoot, toRoot) || !isProof(proof)) return false
  const roots = rootsAlong(new Path(from - 1, to - 1), fromRoot, proof)
  return roots !== undefined && same(roots.older, fromRoot) && same(roots.newer, toRoot)
}

/** The two roots that a consistency proof leads to; `undefined` where it is too short or too long. */
function rootsAlong(path: Path, fromRoot: Uint8Array, proof: readonly Uint8Array[]): Roots | undefined {
  path.skipRightTurns()
  // A complete older tree stands at the beginning of its proof by itself.
  const [start, rest] = path.index === 0 ? [fromRoot, proof] : [proof[0], proof.slice(1)]
  if (start === undefined) return undefined
  let [older, newer] = [start, start]
  for (const other of rest) {
    if (path.last === 0) return undefined
    const isLeft = path.step() === 'left'
    if (isLeft) older = nodeHash(other, older)
    newer = isLeft ? nodeHash(other, newer) : nodeHash(newer, other)
  }
  return path.last === 0 ? { older, newer } : undefined
}

interface Roots {
  readonly older: Uint8Array
  readonly newer: Uint8Array
}

/** The way up from a leaf to the root: `fn` and `sn` of RFC 9162. */
class Path {
  index: number
  last: number

  constructor(index: number, last: number) {
    this.index = index
    this.last = last
  }

  /** Goes up to the next hash that has a sibling, and says on which side of it the sibling stands. */
  step(): 'left' | 'right' {
    const isLeft = this.index % 2 === 1 || this.index === this.last
    if (isLeft) while (this.index % 2 === 0 && this.index !== 0) this.#up()
    this.#up()
    return isLeft ? 'left' : 'right'
  }

  /** Goes up while the way comes from the right: these subtrees are complete in both trees. */
  skipRightTurns(): void {
    while (this.index % 2 === 1) this.#up()
  }

  #up(): void {
    this.index = Math.floor(this.index / 2)
    this.last = Math.floor(this.last / 2)
  }
}

function mayGrow(from: number, to: number): boolean {
  return isCount(from) && isCount(to) && from > 0 && from <= to
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}

function areHashes(...values: readonly Uint8Array[]): boolean {
  return values.every((value) => value.byteLength === 32)
}

function isProof(proof: readonly Uint8Array[]): boolean {
  return proof.length <= maxProofLength && areHashes(...proof)
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}
