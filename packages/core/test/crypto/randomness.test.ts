import { describe, expect, it, vi } from 'vitest'
import { randomBytesOf, systemRandomness, type Randomness } from '../../src/crypto/randomness.ts'

describe('randomness', () => {
  it('of the system fills every byte: none stays the same in 40 draws', () => {
    const seen = Array.from({ length: 100 }, () => new Set<number>())
    for (let draw = 0; draw < 40; draw++) {
      const bytes = Buffer.alloc(100)
      systemRandomness.fill(bytes)
      bytes.forEach((byte, at) => seen[at]?.add(byte))
    }
    expect(seen.every((values) => values.size > 1)).toBe(true)
  })

  it('of the system gives version 4 UUIDs, each another', () => {
    const ids = Array.from({ length: 100 }, () => systemRandomness.uuid())
    expect(new Set(ids).size).toBe(100)
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  })

  it('fresh bytes have memory of their own, and are filled once', () => {
    const fill = vi.fn<Randomness['fill']>((bytes) => void bytes.fill(9))
    const bytes = randomBytesOf({ fill, uuid: () => '' }, 24)
    expect(bytes).toEqual(Buffer.alloc(24, 9))
    expect(bytes.buffer.byteLength).toBe(24)
    expect(fill).toHaveBeenCalledTimes(1)
  })

  it('A12 what its source throws goes through, and no bytes come out', () => {
    const broken: Randomness = {
      fill: () => {
        throw new Error('no entropy')
      },
      uuid: () => '',
    }
    expect(() => randomBytesOf(broken, 24)).toThrow('no entropy')
  })
})
