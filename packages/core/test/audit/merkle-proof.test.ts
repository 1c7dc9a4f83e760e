import { fc } from '@fast-check/vitest'
import { describe, expect, test } from 'vitest'
import { leafHash, nodeHash } from '../../src/crypto/hash.ts'
import { Frontier } from '../../src/audit/merkle.ts'
import { consistencyPath, hashOfSpan, inclusionPath, subtreesOf, type Span } from '../../src/audit/merkle-path.ts'
import { isConsistent, isIncluded } from '../../src/audit/merkle-proof.ts'

const leaves = Array.from({ length: 600 }, (_, i) => leafHash(`leaf ${i}`))

/** RFC 6962 section 2.1, as it is written there. */
function treeHash({ start, end }: Span): Buffer {
  if (end - start === 1) return leaves[start] as Buffer
  let split = 1
  while (split * 2 < end - start) split *= 2
  return nodeHash(treeHash({ start, end: start + split }), treeHash({ start: start + split, end }))
}
const rootOf = (size: number): Buffer => treeHash({ start: 0, end: size })
const inclusion = (index: number, size: number) => ({
  leaf: leaves[index] as Buffer,
  index,
  size,
  root: rootOf(size),
  proof: inclusionPath(index, size).map(treeHash),
})
const consistency = (from: number, to: number) => ({
  from,
  to,
  fromRoot: rootOf(from),
  toRoot: rootOf(to),
  proof: consistencyPath(from, to).map(treeHash),
})
const sizes = [...Array.from({ length: 34 }, (_, i) => i + 1), 64, 65, 255, 256, 257, 512, 513, 600]

describe('E83 an inclusion proof', () => {
  test('proves every leaf of every tree', () => {
    for (const size of sizes) {
      for (let index = 0; index < size; index += size > 40 ? 13 : 1)
        expect(isIncluded(inclusion(index, size)), `${index} of ${size}`).toBe(true)
    }
  })

  test('proves nothing else: another leaf, place, size, root, or a proof that is longer, shorter or altered', () => {
    for (const size of [1, 2, 3, 5, 8, 13, 33]) {
      for (let index = 0; index < size; index++) {
        const good = inclusion(index, size)
        const proofs = [
          [...good.proof, rootOf(1)],
          good.proof.slice(1),
          good.proof.slice(0, -1),
          good.proof.toReversed(),
        ]
        const changed = good.proof.map((_, at) => good.proof.with(at, rootOf(40)))
        for (const proof of [...proofs, ...changed]) {
          if (proof.map(String).join() === good.proof.map(String).join()) continue
          expect(isIncluded({ ...good, proof })).toBe(false)
        }
        for (let other = 0; other < size; other++) {
          if (other !== index) expect(isIncluded({ ...good, index: other })).toBe(false)
        }
        expect(isIncluded({ ...good, leaf: rootOf(40) })).toBe(false)
        expect(isIncluded({ ...good, root: rootOf(40) })).toBe(false)
        expect(isIncluded({ ...good, index: size })).toBe(false)
      }
    }
  })

  test.each([-1, 0.5, NaN, Infinity, 2 ** 53, 2 ** 63, -(2 ** 53)])('of a place or size of %s is false', (number) => {
    const good = inclusion(2, 5)
    expect(isIncluded({ ...good, index: number })).toBe(false)
    expect(isIncluded({ ...good, size: number })).toBe(false)
  })

  test('of hashes of other lengths, or very many, is false', () => {
    const good = inclusion(2, 5)
    for (const length of [0, 31, 33]) {
      expect(isIncluded({ ...good, leaf: Buffer.alloc(length) })).toBe(false)
      expect(isIncluded({ ...good, proof: good.proof.with(0, Buffer.alloc(length)) })).toBe(false)
    }
    expect(isIncluded({ ...good, size: 2 ** 53 - 1, proof: Array.from({ length: 65 }, () => rootOf(1)) })).toBe(false)
  })
})

describe('E83 a consistency proof', () => {
  test('proves every growth', () => {
    for (const to of sizes) {
      for (let from = 1; from <= to; from += to > 40 ? 17 : 1)
        expect(isConsistent(consistency(from, to)), `${from} to ${to}`).toBe(true)
    }
  })

  test('proves nothing where it is longer, shorter or altered, or a root is another', () => {
    for (let to = 1; to <= 17; to++) {
      for (let from = 1; from <= to; from++) {
        const good = consistency(from, to)
        const proofs = [
          [...good.proof, rootOf(1)],
          [rootOf(1), ...good.proof],
          good.proof.slice(1),
          good.proof.slice(0, -1),
        ]
        for (const proof of [...proofs, ...good.proof.map((_, at) => good.proof.with(at, rootOf(40)))]) {
          if (proof.length === 0 && good.proof.length === 0) continue
          expect(isConsistent({ ...good, proof }), `${from} to ${to}`).toBe(false)
        }
        expect(isConsistent({ ...good, fromRoot: rootOf(40) })).toBe(false)
        expect(isConsistent({ ...good, toRoot: rootOf(40) })).toBe(false)
      }
    }
  })

  test('of an empty tree, of one that shrinks, or of sizes that are none, is false', () => {
    const good = consistency(3, 5)
    for (const from of [0, 6, -1, NaN, 0.5, 2 ** 53, 2 ** 64]) expect(isConsistent({ ...good, from })).toBe(false)
    for (const to of [0, 2, NaN, 2 ** 53]) expect(isConsistent({ ...good, to })).toBe(false)
  })

  test('E84 that omits elements in the middle is false, whatever hashes it is made of', () => {
    const good = consistency(5, 13)
    const without = { ...good, toRoot: nodeHash(rootOf(5), treeHash({ start: 8, end: 13 })) }
    for (const proof of [good.proof, good.proof.slice(1), [rootOf(5), treeHash({ start: 8, end: 13 })]]) {
      expect(isConsistent({ ...without, proof })).toBe(false)
    }
  })
})

describe('Merkle paths', () => {
  test('are those of RFC 6962', () => {
    expect(inclusionPath(0, 7)).toEqual([
      { start: 1, end: 2 },
      { start: 2, end: 4 },
      { start: 4, end: 7 },
    ])
    expect(consistencyPath(3, 7)).toEqual([
      { start: 2, end: 3 },
      { start: 3, end: 4 },
      { start: 0, end: 2 },
      { start: 4, end: 7 },
    ])
    expect(consistencyPath(4, 7)).toEqual([{ start: 4, end: 7 }])
    expect(consistencyPath(6, 7)).toEqual([
      { start: 4, end: 6 },
      { start: 6, end: 7 },
      { start: 0, end: 4 },
    ])
    expect(consistencyPath(7, 7)).toEqual([])
  })

  test('consist of complete subtrees that lie one beside the other, up to the greatest sizes', () => {
    const sized = fc.integer({ min: 1, max: 2 ** 53 - 1 })
    fc.assert(
      fc.property(sized, fc.double({ min: 0, max: 0.999_999, noNaN: true }), (size, part) => {
        const index = Math.floor(size * part)
        for (const span of [...inclusionPath(index, size), ...consistencyPath(index + 1, size)]) {
          const nodes = subtreesOf(span)
          let place = span.start
          for (const node of nodes) {
            expect(node.index * 2 ** node.height).toBe(place)
            place += 2 ** node.height
          }
          expect(place).toBe(span.end)
        }
      }),
    )
  })

  test('hash to what the definition says', () => {
    const place = ({ height, index }: { height: number; index: number }): Buffer =>
      treeHash({ start: index * 2 ** height, end: (index + 1) * 2 ** height })
    for (const size of sizes) expect(hashOfSpan({ start: 0, end: size }, place)).toEqual(rootOf(size))
  })
})

describe('A frontier', () => {
  test('knows the roots of its own subtrees, and no others', () => {
    const frontier = new Frontier()
    for (const leaf of leaves.slice(0, 300)) frontier.append(leaf)
    const peaks = subtreesOf({ start: 0, end: 300 })
    for (const node of peaks) {
      const span = { start: node.index * 2 ** node.height, end: (node.index + 1) * 2 ** node.height }
      expect(frontier.peak(node)).toEqual(treeHash(span))
      expect(frontier.peak({ ...node, index: node.index + 1 })).toBeUndefined()
    }
    expect(frontier.peak({ height: 0, index: 299 })).toBeUndefined()
    expect(frontier.peak({ height: 7, index: 0 })).toBeUndefined()
    expect(frontier.peak({ height: 60, index: 0 })).toBeUndefined()
  })
})
