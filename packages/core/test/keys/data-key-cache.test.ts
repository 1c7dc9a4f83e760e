import { describe, expect, test } from 'vitest'
import { allocations } from '../support/allocations.ts'
import { DataKeyCache, type CachedDataKey, type Lease } from '../../src/keys/data-key-cache.ts'
import { fakeClock } from '../../src/testing.ts'

const terms = { maxAgeMs: 1000, maxMessages: 3, maxBytes: 100, bytes: 0 }
const made = (fill: number): CachedDataKey => ({
  plaintext: Buffer.alloc(32, fill),
  ciphertext: Buffer.alloc(128, fill),
  keyId: 'k',
  keyVersion: 1,
})

/** A cache, and the buffers of 32 bytes that it made. */
function watched() {
  const clock = fakeClock()
  const all = allocations()
  return { cache: new DataKeyCache(clock), clock, kept: () => all.filter(({ length }) => length === 32) }
}
const isWiped = (bytes: Buffer | undefined): boolean => bytes?.every((byte) => byte === 0) === true

describe('P4 C55 what leaves the cache of data keys is wiped:', () => {
  test('what is replaced', () => {
    const { cache, kept } = watched()
    cache.admit('a', made(1), terms)
    cache.admit('a', made(2), terms)
    expect(kept().map(isWiped)).toEqual([true, false])
  })

  test('what is too old, at the next call of anybody', () => {
    const { cache, kept, clock } = watched()
    cache.admit('a', made(1), terms)
    cache.admit('b', made(2), { ...terms, maxAgeMs: 2000 })
    clock.advance(999)
    void cache.lease('c', terms)
    expect(kept().map(isWiped)).toEqual([false, false])
    clock.advance(1)
    void cache.lease('d', terms)
    expect(kept().map(isWiped)).toEqual([true, false])
    clock.advance(1000)
    void cache.lease('e', terms)
    expect(kept().map(isWiped)).toEqual([true, true])
    expect(cache.counts.cached).toBe(0)
  })

  test('what is one too many', () => {
    const { cache, kept } = watched()
    for (let n = 0; n <= 1000; n++) cache.admit(`s${n}`, made(1), terms)
    expect(kept().map(isWiped).filter(Boolean)).toHaveLength(1)
    expect(isWiped(kept()[0])).toBe(true)
  })

  test('everything, when it closes, and nothing comes in afterwards', () => {
    const { cache, kept } = watched()
    cache.admit('a', made(1), terms)
    cache.admit('b', made(2), terms)
    cache.close()
    cache.admit('c', made(3), terms)
    expect(kept().map(isWiped)).toEqual([true, true])
    expect(cache.counts.cached).toBe(0)
  })

  test('but not the copy that somebody was given before', () => {
    const { cache } = watched()
    cache.admit('a', made(1), terms)
    const { dataKey } = cache.lease('a', terms) as Lease
    cache.forget('a')
    expect(dataKey?.plaintext).toEqual(Buffer.alloc(32, 1))
  })
})
