import { createHash } from 'node:crypto'

const nodeOf = (left: Buffer, right: Buffer): Buffer =>
  createHash('sha256').update(Buffer.of(1)).update(left).update(right).digest()

/** `SHA-256(00 ‖ text)`: the link of the chain and the leaf of the tree. */
export const leafOf = (text: string): Buffer => createHash('sha256').update(Buffer.of(0)).update(text, 'utf8').digest()

/** The Merkle tree of RFC 6962 section 2.1, as the roots of its complete subtrees, each with how many leaves it has. */
export class MerkleTree {
  readonly #subtrees: { readonly leaves: number; readonly root: Buffer }[] = []

  /** The tree of so many leaves that has this frontier, in bytes. */
  static of(leaves: number, frontier: Uint8Array): MerkleTree {
    const tree = new MerkleTree()
    let at = 0
    for (let power = 2 ** Math.floor(Math.log2(leaves)); power >= 1; power /= 2) {
      if (Math.floor(leaves / power) % 2 === 0) continue
      tree.#subtrees.push({ leaves: power, root: Buffer.from(frontier.subarray(at, at + 32)) })
      at += 32
    }
    return tree
  }

  /** Adds a leaf, and joins subtrees of one size. */
  append(leaf: Buffer): void {
    let next = { leaves: 1, root: leaf }
    for (let last = this.#subtrees.at(-1); last?.leaves === next.leaves; last = this.#subtrees.at(-1)) {
      this.#subtrees.pop()
      next = { leaves: last.leaves * 2, root: nodeOf(last.root, next.root) }
    }
    this.#subtrees.push(next)
  }

  /** The roots of the complete subtrees from the left, in hex. */
  frontier(): string {
    return this.#subtrees.map(({ root }) => root.toString('hex')).join('')
  }

  /** The root of the whole. */
  root(): Buffer {
    const roots = this.#subtrees.map(({ root }) => root)
    const last = roots.pop()
    if (last === undefined) return createHash('sha256').digest()
    return roots.reduceRight((right, left) => nodeOf(left, right), last)
  }
}
