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

  /** What is known of a map from the steps so far: the last value of each key, and which were used, the latest last. */
  class Model {
    readonly last = new Map<number, number>()
    recent: number[] = []

    set(key: number, value: number): void {
      this.last.set(key, value)
      this.use(key)
    }

    delete(key: number): void {
      this.last.delete(key)
      this.recent = this.recent.filter((one) => one !== key)
    }

    use(key: number): void {
      this.recent = [...this.recent.filter((one) => one !== key), key]
    }
  }

  /** One step on both; a value that is found is the last, and one that was used lately is found. */
  function step(
    on: { lru: Lru<number, number>; model: Model; half: number },
    what: string,
    [key, value]: [number, number],
  ): void {
    const { lru, model } = on
    if (what === 'set' || what === 'delete') {
      for (const map of [lru, model]) map[what](key, value)
      return
    }
    const found = lru.get(key)
    if (model.recent.slice(-on.half).includes(key)) expect(found).toBeDefined()
    if (found === undefined) return
    expect(found).toBe(model.last.get(key))
    model.use(key)
  }

  const steps = fc.array(fc.tuple(fc.constantFrom('get', 'set', 'set', 'delete'), fc.nat(11)), { maxLength: 80 })

  test.prop([fc.integer({ min: 2, max: 8 }), steps], { numRuns: 100 })(
    'gives the last value or none, keeps the half of its limit that was used last, and never more than its limit',
    (limit, todo) => {
      const on = { lru: new Lru<number, number>(limit), model: new Model(), half: Math.floor(limit / 2) }
      for (const [at, [what, key]] of todo.entries()) step(on, what, [key, at])
      const kept = Array.from({ length: 12 }, (_, key) => on.lru.get(key)).filter((value) => value !== undefined)
      expect(kept.length).toBeLessThanOrEqual(limit)
    },
  )
})
