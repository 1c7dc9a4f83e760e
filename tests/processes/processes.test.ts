import type { AuditRecord } from '@chatelaine/core'
import { describe, expect, test } from 'vitest'
import type { Ask, Seen } from './plan.ts'
import { fromLine, isAnswered, toLine } from './plan.ts'
import { Replay } from './replay.ts'
import { runRig, unansweredIn } from './rig.ts'

describe('two processes on one SQLite file, 16 callers each', () => {
  test('every success is legal at its place, every refusal justified, and the order agrees with time', async () => {
    const seed = Date.now() % 1_000_000
    const report = await runRig({ operations: 2000, processes: 2, callers: 16, seed })
    expect({ seed, problems: report.problems }).toEqual({ seed, problems: [] })
    expect(report.operations).toBeGreaterThan(2000)
    expect(report.records).toBeGreaterThan(report.operations)
    for (const kind of ['encrypt ok', 'decrypt ok', 'rotate ok', 'disable ok', 'grant ok', 'ungrant ok']) {
      expect({ seed, kind, count: report.counts[kind] ?? 0 }).not.toEqual({ seed, kind, count: 0 })
    }
  }, 300_000)
})

describe('the judge of the rig', () => {
  const owner = { by: 'owner' } as const
  const asks: Ask[] = [
    { ...owner, type: 'create', key: 'k' },
    { ...owner, type: 'encrypt', key: 'k' },
    { ...owner, type: 'rotate', key: 'k' },
    { ...owner, type: 'encrypt', key: 'k' },
    { ...owner, type: 'revoke', key: 'k', version: undefined },
    { ...owner, type: 'encrypt', key: 'k' },
  ]
  const actions = ['createKey', 'encrypt', 'rotateKey', 'encrypt', 'revokeKey', 'encrypt']
  const versions = [undefined, 1, 2, 2, undefined, undefined]
  const seen = asks.map((ask, index): Seen => {
    const code = index === 5 ? 'INVALID_KEY_STATE' : undefined
    const times = { invoked: BigInt(index * 10), returned: BigInt(index * 10 + 5) }
    return { requestId: `r${index}`, ask, ...times, code, keyVersion: versions[index], grant: undefined }
  })
  const chain = seen.map(({ requestId, code, keyVersion }, seq) => {
    const status = code === undefined ? 'SUCCESS' : 'FAILURE'
    const record = { seq, requestId, status, code, keyVersion, actor: 'owner', action: actions[seq] }
    return { ...record, ts: '2026-01-01T00:00:00.000Z' } as unknown as AuditRecord
  })
  const judge = (history: readonly Seen[], records: readonly AuditRecord[]): number =>
    new Replay(history).run(records).problems.length
  const withRecord = (seq: number, change: object): AuditRecord[] =>
    chain.map((record) => (record.seq === seq ? { ...record, ...change } : record))
  const withSeen = (index: number, change: Partial<Seen>): Seen[] =>
    seen.map((each, at) => (at === index ? { ...each, ...change } : each))

  test('finds nothing where nothing is wrong', () => {
    expect(new Replay(seen).run(chain)).toEqual({
      problems: [],
      counts: { 'create ok': 1, 'encrypt INVALID_KEY_STATE': 1, 'encrypt ok': 2, 'revoke ok': 1, 'rotate ok': 1 },
    })
  })

  test.each<[string, () => number]>([
    [
      'a success after a revocation',
      () =>
        judge(
          withSeen(5, { code: undefined, keyVersion: 2 }),
          withRecord(5, { status: 'SUCCESS', code: undefined, keyVersion: 2 }),
        ),
    ],
    [
      'a refusal for no reason',
      () => judge(withSeen(1, { code: 'ACCESS_DENIED' }), withRecord(1, { status: 'DENIED', code: 'ACCESS_DENIED' })),
    ],
    ['an old version after a rotation', () => judge(withSeen(3, { keyVersion: 1 }), withRecord(3, { keyVersion: 1 }))],
    [
      'a caller who saw something else than is on record',
      () => judge(withSeen(1, { code: 'AUDIT_UNAVAILABLE' }), chain),
    ],
    ['a record that is missing', () => judge([...seen, { ...(seen[1] as Seen), requestId: 'lost' }], chain)],
    ['a record of nothing', () => judge(seen.slice(0, 5), chain)],
    ['a record that is there twice', () => judge(seen, [...chain, { ...(chain[1] as AuditRecord), seq: 6 }])],
    ['a gap', () => judge(seen, withRecord(5, { seq: 6 }))],
    [
      'another status, actor or action',
      () =>
        judge(seen, withRecord(1, { status: 'DENIED' })) *
        judge(seen, withRecord(1, { actor: 'mallory' })) *
        judge(seen, withRecord(1, { action: 'decrypt' })),
    ],
    ['an order against time', () => judge(withSeen(3, { invoked: 1n, returned: 2n }), chain)],
  ])('finds %s', (_, problems) => {
    expect(problems()).toBeGreaterThan(0)
  })

  test('takes a storage that is away for no answer, and a refusal for one', () => {
    const codes = [undefined, 'ACCESS_DENIED', 'AUDIT_UNAVAILABLE', 'STORAGE_UNAVAILABLE']
    expect(codes.map((code) => isAnswered({ code }))).toEqual([true, true, false, false])
    expect(unansweredIn(seen)).toEqual([])
    expect(unansweredIn(withSeen(3, { code: 'STORAGE_UNAVAILABLE' }))).toEqual([
      'r3 (encrypt) was told STORAGE_UNAVAILABLE',
    ])
  })

  test('reads what workers write', () => {
    const { requestId, ask, invoked, returned } = seen[3] as Seen
    expect(fromLine(toLine(seen[3] as Seen))).toMatchObject({ requestId, ask, invoked, returned, keyVersion: 2 })
  })
})
