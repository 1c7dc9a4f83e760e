import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { Lru } from '../../../src/internal/lru.ts'

describe('a bounded map', () => {
  it('forgets what was not used lately', () => {
    const lru = new Lru<string, number>(4)
    lru.set('kept', 1)
    lru.set('idle', 2)
    for (let turn = 0; turn < 8; turn++) {
      lru.set(`new ${turn}`, turn)
      expect(lru.get('kept')).toBe(1)
    }
    expect(lru.get('idle')).toBeUndefined()
  })

  it('a value that is set again is the new one, also when the old one was not used lately', () => {
    const lru = new Lru<string, number>(4)
    lru.set('a', 1)
    lru.set('b', 2)
    lru.set('c', 3)
    lru.set('a', 4)
    expect(lru.get('a')).toBe(4)
    lru.set('a', 5)
    expect(lru.get('a')).toBe(5)
  })

  it('forgets one, used lately or not', () => {
    const lru = new Lru<string, number>(4)
    for (const [at, name] of ['a', 'b', 'c', 'd'].entries()) lru.set(name, at)
    lru.delete('a')
    lru.delete('d')
    lru.delete('never there')
    expect(['a', 'b', 'c', 'd'].map((name) => lru.get(name))).toEqual([undefined, 1, 2, undefined])
  })

  it('forgets all', () => {
    const lru = new Lru<string, number>(4)
    for (const [at, name] of ['a', 'b', 'c', 'd'].entries()) lru.set(name, at)
    lru.clear()
    expect(['a', 'b', 'c', 'd'].map((name) => lru.get(name))).toEqual([undefined, undefined, undefined, undefined])
  })

  const step = fc.tuple(fc.constantFrom('get', 'set', 'set', 'delete'), fc.nat(11))

  test.prop([fc.integer({ min: 2, max: 8 }), fc.array(step, { maxLength: 80 })], { numRuns: 100 })(
    'gives the last value or none, keeps the half of its limit that was used last, and never more than its limit',
    (limit, steps) => {
      const lru = new Lru<number, number>(limit)
      const last = new Map<number, number>()
      let recent: number[] = []
      for (const [at, [what, key]] of steps.entries()) {
        const others = recent.filter((one) => one !== key)
        const found = what === 'get' ? lru.get(key) : undefined
        if (what === 'get' && recent.slice(-Math.floor(limit / 2)).includes(key)) expect(found).toBeDefined()
        if (found !== undefined) expect(found).toBe(last.get(key))
        if (what === 'set') lru.set(key, at)
        if (what === 'set') last.set(key, at)
        if (what === 'delete') lru.delete(key)
        if (what === 'delete') last.delete(key)
        recent = what === 'set' || found !== undefined ? [...others, key] : recent
        if (what === 'delete') recent = others
      }
      const kept = Array.from({ length: 12 }, (_, key) => lru.get(key)).filter((value) => value !== undefined)
      expect(kept.length).toBeLessThanOrEqual(limit)
    },
  )
})
