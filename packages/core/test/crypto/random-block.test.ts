import { describe, expect, test } from 'vitest'
import { RandomBlock } from '../../src/crypto/random-block.ts'
import type { Randomness } from '../../src/crypto/randomness.ts'

/** Counts upward, and remembers what it filled. */
function counting(): Randomness & { readonly filled: Uint8Array[] } {
  let next = 1
  const filled: Uint8Array[] = []
  return {
    filled,
    fill: (bytes) => {
      for (let at = 0; at < bytes.byteLength; at++) bytes[at] = next++
      filled.push(bytes)
    },
    uuid: () => 'an id',
  }
}

const taken = (random: Randomness, length: number): number[] => {
  const bytes = new Uint8Array(length)
  random.fill(bytes)
  return [...bytes]
}

describe('A block of random bytes', () => {
  test('hands out each byte of its source once, whatever the pieces', () => {
    const source = counting()
    const block = new RandomBlock(source, 8)
    const all = [3, 5, 4, 8, 2, 2].flatMap((length) => taken(block, length))
    expect(new Set(all).size).toBe(all.length)
    expect(source.filled.map(({ byteLength }) => byteLength)).toEqual([8, 8, 8, 8])
  })

  test('leaves what is larger than itself to the source', () => {
    const source = counting()
    const block = new RandomBlock(source, 8)
    expect(taken(block, 9)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(block.uuid()).toBe('an id')
  })

  test('keeps nothing of what it handed out, and nothing at all once it is discarded', () => {
    const source = counting()
    const block = new RandomBlock(source, 8)
    expect(taken(block, 3)).toEqual([1, 2, 3])
    expect([...(source.filled[0] ?? [])]).toEqual([0, 0, 0, 4, 5, 6, 7, 8])
    block.discard()
    expect([...(source.filled[0] ?? [])]).toEqual([0, 0, 0, 0, 0, 0, 0, 0])
    expect(taken(block, 2)).toEqual([9, 10])
  })

  test('throws what the source throws, and hands out nothing then', () => {
    const fill = (): never => {
      throw new Error('no entropy')
    }
    const block = new RandomBlock({ fill, uuid: () => '' }, 8)
    const bytes = new Uint8Array(4).fill(7)
    expect(() => block.fill(bytes)).toThrow('no entropy')
    expect(() => block.fill(bytes)).toThrow('no entropy')
    expect([...bytes]).toEqual([7, 7, 7, 7])
  })
})
