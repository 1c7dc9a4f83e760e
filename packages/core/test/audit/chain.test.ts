import { createHash } from 'node:crypto'
import { beforeEach, describe, expect, test } from 'vitest'
import type { AuditRecord } from '../../src/audit/audit-record.ts'
import { ChainBuilder, emptyHead } from '../../src/audit/chain.ts'
import type { Head } from '../../src/audit/head.ts'
import { noHash } from '../../src/audit/head.ts'
import { Frontier } from '../../src/audit/merkle.ts'
import type { RecordDraft } from '../../src/audit/record.ts'
import type { Row } from '../../src/storage/table.ts'

const writer = { id: 'w', nextSeq: 5, now: 1000, monotonic: 50 }
const draft: RecordDraft = { action: 'encrypt', actor: { id: 'a', role: 'service' }, status: 'SUCCESS', startedAt: 47 }
const touched = (key: string) => [{ table: 'keys', key: [key], rev: 1 }]
const zeros = '00'.repeat(32)

const bodyOf = (row: Row | undefined): AuditRecord => JSON.parse(row?.['text'] as string) as AuditRecord
const hashOf = (row: Row): Buffer =>
  createHash('sha256')
    .update(`\0${row['text'] as string}`)
    .digest()

let chain: ChainBuilder
beforeEach(() => {
  chain = new ChainBuilder(emptyHead('default'), writer)
})

describe('the empty chain', () => {
  test('has a head without records, changes and hashes', () => {
    expect(noHash).toEqual(Buffer.alloc(32))
    expect(emptyHead('t')).toEqual({
      tenant: 't',
      size: 0,
      headHash: noHash,
      frontier: Buffer.alloc(0),
      revision: 0,
      stateRoot: noHash,
      lastChange: -1,
      lastChangeHash: noHash,
      ts: 0,
      epoch: 0,
    })
  })
})

describe('linking records', () => {
  test('E87 gives them dense numbers, and each the hash of the one before it', () => {
    for (let index = 0; index < 5; index++) chain.append(draft)
    const bodies = chain.rows.map((row) => bodyOf(row))
    expect(bodies.map(({ seq }) => seq)).toEqual([0, 1, 2, 3, 4])
    expect(chain.rows.map((row) => row['seq'])).toEqual([0, 1, 2, 3, 4])
    expect(bodies.map(({ writerSeq }) => writerSeq)).toEqual([5, 6, 7, 8, 9])
    expect(bodies.map(({ prev }) => prev)).toEqual([
      zeros,
      ...chain.rows.slice(0, -1).map((row) => hashOf(row).toString('hex')),
    ])
    expect(chain.rows.map(({ hash }) => hash)).toEqual(chain.rows.map((row) => hashOf(row)))
    expect(chain.size).toBe(5)
    expect(chain.now).toBe(1000)
    expect(bodies.every(({ writer: id, tenant }) => id === 'w' && tenant === 'default')).toBe(true)
  })

  test('goes on where a head ends, and leaves that head alone', () => {
    chain.append(draft)
    chain.append(draft)
    const before = chain.head(1)
    const next = new ChainBuilder(before, { ...writer, now: 2000 })
    next.append(draft)
    expect(bodyOf(next.rows[0])).toMatchObject({ seq: 2, prev: before.headHash.toString('hex') })
    expect(before.size).toBe(2)
    const frontier = new Frontier()
    for (const { hash } of [...chain.rows, ...next.rows]) frontier.append(hash)
    expect(next.root()).toEqual(frontier.root())
    expect(next.head(3)).toEqual({
      ...before,
      size: 3,
      headHash: next.rows[0]?.hash,
      frontier: frontier.toBytes(),
      ts: 2000,
      epoch: 3,
    })
  })

  test('E91 the time is the writer’s clock as it is, with the skew where it lies before the record before it', () => {
    const head: Head = { ...emptyHead('default'), ts: 1500 }
    const late = new ChainBuilder(head, writer)
    late.append(draft)
    late.append(draft)
    expect(late.rows.map((row) => bodyOf(row).clockSkewMs)).toEqual([500, undefined])
    expect(late.rows.map((row) => row['ts'])).toEqual([1000, 1000])
    expect(late.head(1).ts).toBe(1000)
    const even = new ChainBuilder({ ...head, ts: 1000 }, writer)
    even.append(draft)
    expect(bodyOf(even.rows[0])).not.toHaveProperty('clockSkewMs')
  })

  test('E91 a duration is in whole milliseconds, and never negative', () => {
    for (const startedAt of [47, 46.6, 50, 60]) chain.append({ ...draft, startedAt })
    expect(chain.rows.map((row) => bodyOf(row).durationMs)).toEqual([3, 3, 0, 0])
  })
})

describe('linking changes', () => {
  test('moves the revision, and names the change before by place and hash', () => {
    chain.append(draft)
    chain.append(draft, touched('k1'))
    chain.append(draft)
    chain.append(draft, [...touched('k2'), { table: 'versions', key: ['k2', 1], rev: 1 }])
    const changes = chain.rows.map((row) => bodyOf(row).change)
    expect(changes[0]).toBeUndefined()
    expect(changes[2]).toBeUndefined()
    expect(changes[1]).toEqual({
      previous: -1,
      previousHash: zeros,
      revision: 1,
      rows: touched('k1'),
      stateRoot: zeros,
    })
    expect(changes[3]).toEqual({
      previous: 1,
      previousHash: chain.rows[1]?.hash.toString('hex'),
      revision: 2,
      rows: [...touched('k2'), { table: 'versions', key: ['k2', 1], rev: 1 }],
      stateRoot: zeros,
    })
    expect(chain.touched.map(({ key }) => key)).toEqual([['k1'], ['k2'], ['k2', 1]])
    const head = chain.head(1)
    expect(head).toMatchObject({ revision: 2, lastChange: 3, size: 4 })
    expect(head.lastChangeHash).toEqual(chain.rows[3]?.hash)
  })

  test('repeats the state root of the head', () => {
    const stateRoot = Buffer.alloc(32, 0xab)
    const next = new ChainBuilder({ ...emptyHead('default'), stateRoot }, writer)
    next.append(draft, touched('k'))
    expect(bodyOf(next.rows[0]).change?.stateRoot).toBe('ab'.repeat(32))
    expect(next.head(1).stateRoot).toEqual(stateRoot)
  })

  test('a record without touched rows is no change', () => {
    chain.append(draft, [])
    expect(bodyOf(chain.rows[0]).change).toBeUndefined()
    expect(chain.head(1)).toMatchObject({ revision: 0, lastChange: -1 })
    expect(chain.head(1).lastChangeHash).toEqual(noHash)
  })
})
