import { describe, expect, test } from 'vitest'
import { fuzz } from './fuzz.ts'
import { targets } from './targets.ts'

describe('Every parser', () => {
  test('takes its own seeds', () => {
    for (const { run, seeds } of targets) for (const seed of seeds) expect(() => run(Buffer.from(seed))).not.toThrow()
  })

  test('answers whatever it is given, or throws an error of ours: 10,000 cases of the seed 1', () => {
    expect(fuzz(targets, { cases: 10_000, seed: 1 }).failures).toEqual([])
  })

  test('that threw something else would be noticed', () => {
    const broken = { name: 'broken', seeds: [Buffer.from('x')], run: (input: Buffer) => JSON.parse(input.toString()) }
    expect(fuzz([broken], { cases: 10, seed: 1 }).failures[0]).toMatch(/^broken: SyntaxError/)
  })
})
