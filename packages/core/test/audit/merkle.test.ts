import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Frontier } from '../../src/audit/merkle.ts'

const sha256 = (...parts: Uint8Array[]): Buffer => createHash('sha256').update(Buffer.concat(parts)).digest()

/** RFC 6962 section 2.1, word for word: the hash of a list of leaf hashes. */
function treeHash(leaves: readonly Buffer[]): Buffer {
  if (leaves.length === 0) return sha256()
  if (leaves.length === 1) return leaves[0] as Buffer
  let k = 1
  while (k * 2 < leaves.length) k *= 2
  return sha256(Buffer.from([1]), treeHash(leaves.slice(0, k)), treeHash(leaves.slice(k)))
}

/** The roots of the complete subtrees, from the left: one for each power of two in the size, the largest first. */
function peaksOf(leaves: readonly Buffer[]): Buffer[] {
  if (leaves.length === 0) return []
  let k = 1
  while (k * 2 <= leaves.length) k *= 2
  return [treeHash(leaves.slice(0, k)), ...peaksOf(leaves.slice(k))]
}

const leaf = (index: number): Buffer => sha256(Buffer.from(`leaf ${index}`))
const leavesOf = (count: number): Buffer[] => Array.from({ length: count }, (_, index) => leaf(index))

describe('the frontier of an RFC 6962 tree', () => {
  test('the empty tree has the hash of nothing, and no bytes', () => {
    const empty = new Frontier()
    expect(empty.size).toBe(0)
    expect(empty.root().toString('hex')).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
    expect(empty.toBytes()).toHaveLength(0)
  })

  test('root and bytes are those of the definition, for every size up to 300', () => {
    const frontier = new Frontier()
    const leaves: Buffer[] = []
    for (let size = 1; size <= 300; size++) {
      leaves.push(leaf(size))
      frontier.append(leaf(size))
      expect(frontier.size).toBe(size)
      if (size > 70 && size % 13 !== 0 && size !== 256) continue
      expect(frontier.root()).toEqual(treeHash(leaves))
      expect(frontier.toBytes()).toEqual(Buffer.concat(peaksOf(leaves)))
    }
  })

  test('it goes on from its bytes at any size', () => {
    fc.assert(
      fc.property(fc.nat(100), fc.nat(40), (before, more) => {
        const leaves = leavesOf(before + more)
        const first = new Frontier()
        for (const each of leaves.slice(0, before)) first.append(each)
        const stored = first.toBytes()
        const second = new Frontier(before, stored)
        stored.fill(0)
        for (const each of leaves.slice(before)) second.append(each)
        expect(second.size).toBe(before + more)
        expect(second.root()).toEqual(treeHash(leaves))
        expect(second.toBytes()).toEqual(Buffer.concat(peaksOf(leaves)))
      }),
      { numRuns: 60 },
    )
  })

  test('sizes beyond 32 bits have as many hashes as ones', () => {
    const size = 2 ** 40 + 2 ** 33 + 1
    const frontier = new Frontier(size, Buffer.concat(leavesOf(3)))
    frontier.append(leaf(3))
    const joined = sha256(Buffer.from([1]), leaf(2), leaf(3))
    expect(frontier.size).toBe(size + 1)
    expect(frontier.toBytes()).toEqual(Buffer.concat([leaf(0), leaf(1), joined]))
  })

  test.each([
    [0, 1],
    [1, 31],
    [1, 33],
    [2, 64],
    [3, 32],
    [7, 64],
  ])('a frontier of %i leaves does not have %i bytes', (size, bytes) => {
    expect(() => new Frontier(size, Buffer.alloc(bytes))).toThrow(RangeError)
    expect(() => new Frontier(size, Buffer.alloc(bytes))).toThrow('not the frontier of a tree of this size')
  })

  test('bytes may be any Uint8Array, wherever it begins', () => {
    const wide = new Uint8Array(40)
    wide.set(leaf(1), 8)
    expect(new Frontier(1, wide.subarray(8)).root()).toEqual(leaf(1))
  })
})
