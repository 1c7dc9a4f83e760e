import type { AuditRecord } from '@chatelaine/core'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Seen } from '../processes/plan.ts'
import { withPlace } from '../processes/place.ts'
import { House } from './house.ts'
import { judge, type Evidence } from './judge.ts'
import { runKillRig } from './rig.ts'

describe('writers that are killed on SQLite', () => {
  test('leave every acknowledged operation in the chain, and no fork', { timeout: 60_000 }, async () => {
    const seed = Date.now() % 1_000_000
    const report = await runKillRig({ storage: 'sqlite', rounds: 3, roundsPerHouse: 3, writers: 2, callers: 8, seed })
    expect({ seed, problems: report.problems }).toEqual({ seed, problems: [] })
    expect(report.killed).toBe(6)
    expect(report.acknowledged).toBeGreaterThan(68)
  })
})

describe('the judge of the rig', () => {
  let evidence: Evidence

  beforeAll(async () => {
    evidence = await withPlace({ kind: 'sqlite' }, async (place) => {
      const house = new House(place)
      await house.prepare()
      return house.evidence()
    })
  })

  const problemsOf = (change: Partial<Evidence>): readonly string[] => judge({ ...evidence, ...change }).problems
  const without = (requestId: string): AuditRecord[] =>
    evidence.chain.filter((record) => record.requestId !== requestId)
  const rowsWith = (table: string, change: object): Evidence['stored'] => {
    const [first = {}, ...others] = evidence.stored.get(table) ?? []
    return new Map([...evidence.stored, [table, [{ ...first, ...change }, ...others]]])
  }

  test('finds nothing where nothing is wrong', () => {
    expect(judge(evidence)).toMatchObject({ acknowledged: 68, lost: [], forks: [], problems: [] })
    expect(evidence.chain.length).toBeGreaterThan(68)
  })

  test('finds what was acknowledged and is not in the chain', () => {
    const { lost, forks } = judge({ ...evidence, chain: without('setup-3') })
    expect(lost).toEqual(['setup-3 (create, ok) was acknowledged and is lost'])
    expect(forks).not.toEqual([])
  })

  test('finds a chain that is not the one of before', () => {
    const hashes = evidence.chain.map(({ hash }) => hash)
    expect(problemsOf({ before: hashes })).toEqual([])
    expect(problemsOf({ before: hashes.with(5, 'another') })).toEqual(['record 5 was another'])
    expect(problemsOf({ before: [...hashes, 'gone'] })).toHaveLength(1)
  })

  test('finds a place of a writer that was taken twice', () => {
    const { writer, writerSeq } = evidence.chain[4] as AuditRecord
    const chain = evidence.chain.with(5, { ...(evidence.chain[5] as AuditRecord), writer, writerSeq })
    expect(problemsOf({ chain })).toEqual([`record 5 is the second of ${writer}/${writerSeq}`])
  })

  test.each<[string, string, object]>([
    ['a key in another state', 'keys', { state: 'Disabled' }],
    ['a row in another revision', 'keys', { rev: 2 }],
    ['a version without material', 'versions', { material: null }],
    ['a name for another key', 'names', { target: 'nobody' }],
    ['a grant to somebody else', 'grants', { principal: 'mallory' }],
  ])('finds %s', (_, table, change) => {
    expect(problemsOf({ stored: rowsWith(table, change) })).not.toEqual([])
  })

  test('finds rows that are gone', () => {
    expect(problemsOf({ stored: new Map([...evidence.stored, ['grants', []]]) })).toHaveLength(16)
  })

  test('forgives what nobody knows, and only that', () => {
    const seen = evidence.seen.map((each): Seen => ({ ...each, code: 'AUDIT_UNAVAILABLE', outcome: 'unknown' }))
    expect(judge({ ...evidence, seen })).toMatchObject({ acknowledged: 0, problems: [] })
    const none = evidence.seen.map((each): Seen => ({ ...each, code: 'AUDIT_UNAVAILABLE', outcome: 'none' }))
    expect(problemsOf({ seen: none })).toHaveLength(68)
  })
})
