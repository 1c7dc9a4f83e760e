import { beforeEach, describe, expect, test } from 'vitest'
import type { AuditProblem } from '../../src/audit/verification.ts'
import type { StorageTransaction } from '../../src/storage/adapter.ts'
import type { Row } from '../../src/storage/table.ts'
import { Log, rehashed, shortly } from '../support/audit-log.ts'

const plan = { records: 12, isChange: (seq: number) => seq % 3 === 1, checkpoints: [1, 6, 12] }
const hex = (bytes: unknown): string => Buffer.from(bytes as Uint8Array).toString('hex')

let log: Log
beforeEach(async () => {
  log = await Log.of(plan)
})

describe('E80 every record that is touched is named', () => {
  const swap = async (tx: StorageTransaction, a: number, b: number): Promise<void> => {
    const [left, right] = (await Promise.all([a, b].map(async (seq) => tx.get('records', ['default', seq])))) as [
      Row,
      Row,
    ]
    await tx.remove('records', ['default', a])
    await tx.remove('records', ['default', b])
    await tx.insert('records', { ...right, seq: a })
    await tx.insert('records', { ...left, seq: b })
  }
  const attacks: [string, (broken: Log) => Promise<unknown>, AuditProblem['kind'], number][] = [
    [
      'its text is edited',
      async (it) => it.edit(4, (row) => ({ ...row, text: `${row['text'] as string} ` })),
      'record-hash',
      4,
    ],
    ['its hash is edited', async (it) => it.edit(4, (row) => ({ ...row, hash: Buffer.alloc(32) })), 'record-hash', 4],
    ['text and hash are edited', async (it) => it.rewrite(4, (body) => ({ ...body, role: 'admin' })), 'record-link', 5],
    [
      'text and hash of the last are edited',
      async (it) => it.rewrite(11, (body) => ({ ...body, role: 'admin' })),
      'checkpoint',
      11,
    ],
    ['a column is edited', async (it) => it.edit(4, (row) => ({ ...row, actor: 'mallory' })), 'record-column', 4],
    ['its version is another', async (it) => it.rewrite(4, (body) => ({ ...body, v: 2 })), 'record-format', 4],
    ['it is no JSON', async (it) => it.edit(4, (row) => rehashed(row, 'no')), 'record-format', 4],
    ['the first is edited', async (it) => it.rewrite(0, (body) => ({ ...body, role: 'admin' })), 'checkpoint', 0],
    [
      'the first names one before it',
      async (it) => it.rewrite(0, (body) => ({ ...body, prev: '11'.repeat(32) })),
      'record-link',
      0,
    ],
    [
      'it is deleted',
      async (it) => it.shelf.tamper(async (tx) => tx.remove('records', ['default', 4])),
      'record-missing',
      4,
    ],
    [
      'the first is deleted',
      async (it) => it.shelf.tamper(async (tx) => tx.remove('records', ['default', 0])),
      'record-missing',
      0,
    ],
    [
      'the last is deleted',
      async (it) => it.shelf.tamper(async (tx) => tx.remove('records', ['default', 11])),
      'record-missing',
      11,
    ],
    [
      'all are deleted',
      async (it) =>
        it.shelf.tamper(async (tx) =>
          Promise.all(Array.from({ length: 12 }, async (_, seq) => tx.remove('records', ['default', seq]))),
        ),
      'record-missing',
      0,
    ],
    ['two change places', async (it) => it.shelf.tamper(async (tx) => swap(tx, 4, 5)), 'record-column', 4],
    [
      'it is of another place',
      async (it) => it.edit(4, (row) => row).then(async () => it.shelf.tamper(async (tx) => swap(tx, 3, 7))),
      'record-column',
      3,
    ],
    [
      'a copy takes its place',
      async (it) => it.edit(5, (row) => row).then(async () => duplicate(it, 4, 5)),
      'record-link',
      5,
    ],
    ['one more is inserted after the last', async (it) => duplicate(it, 11, 12), 'head', 12],
  ]

  /** The record of one place once more in another, with everything made to fit but its link. */
  async function duplicate(it: Log, from: number, to: number): Promise<void> {
    const row = (await it.shelf.rows('records'))[from] as Row
    const body = { ...(JSON.parse(row['text'] as string) as object), seq: to, writerSeq: 99 }
    const copy = { ...rehashed(row, JSON.stringify(body)), seq: to, writerSeq: 99 }
    await it.shelf.tamper(async (tx) => {
      if ((await tx.get('records', ['default', to])) !== undefined) await tx.remove('records', ['default', to])
      await tx.insert('records', copy)
    })
  }

  test.each(attacks)('%s', async (...[, attack, kind, seq]) => {
    await attack(log)
    const found = await log.verify()
    expect(shortly(found)).toEqual([kind, seq])
    expect(found.records).toBe(seq)
  })

  test('and what was expected of it and found is said', async () => {
    const [, before] = await log.shelf.rows('records')
    await log.rewrite(2, (body) => ({ ...body, prev: 'ff' }))
    expect(await log.verify()).toEqual({
      ok: false,
      records: 2,
      head: hex(before?.['hash']),
      problem: { seq: 2, kind: 'record-link', expected: hex(before?.['hash']), found: 'ff' },
    })
    await log.shelf.tamper(async (tx) => tx.remove('records', ['default', 1]))
    expect(await log.verify()).toMatchObject({ problem: { seq: 1, expected: 'record 1', found: 'record 2' } })
    const short = await Log.of({ records: 3 })
    await short.shelf.tamper(async (tx) => tx.remove('records', ['default', 2]))
    expect(await short.verify()).toMatchObject({
      problem: { kind: 'record-missing', expected: 'a record', found: 'none' },
    })
  })
})

describe('E80 a chain that was computed anew after an edit', () => {
  test.each([
    [[6], 'checkpoint', 5],
    [[12], 'checkpoint', 11],
    [[1], 'head', 12],
    [[], 'head', 12],
  ] as const)('is caught with checkpoints %j by the %s', async (checkpoints, kind, seq) => {
    log = await Log.of({ records: 12, checkpoints })
    await log.rewrite(3, (body) => ({ ...body, role: 'admin' }))
    await log.relinkAfter(3)
    expect(shortly(await log.verify())).toEqual([kind, seq])
  })

  test('is caught by the head also from the middle on', async () => {
    log = await Log.of({ records: 12 })
    await log.rewrite(3, (body) => ({ ...body, role: 'admin' }))
    await log.relinkAfter(3)
    expect(shortly(await log.verify({ from: 8 }))).toEqual(['head', 12])
  })
})

describe('E80 the order of changes', () => {
  const zeros = '00'.repeat(32)
  test.each<[string, object]>([
    ['skips a revision', { revision: 3 }],
    ['repeats a revision', { revision: 1 }],
    ['names another place', { previous: 0 }],
    ['names another hash', { previousHash: zeros }],
  ])('%s', async (_, wrong) => {
    await log.rewrite(4, (body) => ({ ...body, change: { ...body.change, ...wrong } }))
    const found = await log.verify()
    expect(shortly(found)).toEqual(['change-link', 4])
    const { revision = 2, previous = 1 } = wrong as { revision?: number; previous?: number }
    expect(found).toMatchObject({
      problem: { expected: 'revision 2 after record 1', found: `revision ${revision} after record ${previous}` },
    })
  })

  test('the first change comes after none', async () => {
    await log.rewrite(1, (body) => ({ ...body, change: { ...body.change, previous: 0 } }))
    expect(await log.verify()).toMatchObject({
      problem: { seq: 1, expected: 'revision 1 after record -1', found: 'revision 1 after record 0' },
    })
  })

  test.each([[null], [0], ['x'], [[]], [true]])(
    'E75 what says it is a change and is %j is a problem, not an exception',
    async (change) => {
      await log.rewrite(4, (body) => ({ ...body, change }))
      expect((await log.verify()).ok).toBe(false)
      expect((await log.verify({ from: 3 })).ok).toBe(false)
    },
  )
})
