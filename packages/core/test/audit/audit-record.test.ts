import { describe, expect, test } from 'vitest'
import { isFault, readRecord, type AuditRecord } from '../../src/audit/audit-record.ts'
import { linkRecord, type RecordDraft } from '../../src/audit/record.ts'
import { leafHash } from '../../src/crypto/hash.ts'
import type { Row, Value } from '../../src/storage/table.ts'

const draft: RecordDraft = {
  action: 'encrypt',
  actor: { id: 'billing', role: 'service' },
  status: 'DENIED',
  keyId: 'k',
  startedAt: 0,
}
const place = { tenant: 'default', seq: 3, prev: '00', ts: 1000, durationMs: 1, writer: 'w', writerSeq: 2 }
const row = linkRecord(draft, place)

/** The same row with another text, and the hash that fits it. */
const withText = (text: string): Row => ({ ...row, text, hash: leafHash(text) })
const withBody = (change: object): Row => withText(JSON.stringify({ ...JSON.parse(row['text'] as string), ...change }))

describe('reading a stored record', () => {
  test('gives what its text says, and its hash', () => {
    const record = readRecord(row) as AuditRecord
    expect(isFault(record)).toBe(false)
    expect(record).toEqual({
      ...JSON.parse(row['text'] as string),
      hash: leafHash(row['text'] as string).toString('hex'),
    })
    expect(readRecord({ ...row, hash: new Uint8Array(row.hash) })).toEqual(record)
  })

  test('a key that is not there is no fault', () => {
    const { keyId: _, ...rest } = draft
    expect(isFault(readRecord(linkRecord(rest, place)))).toBe(false)
  })

  test('E80 an edited text does not fit its hash', () => {
    const text = (row['text'] as string).replace('billing', 'mallory')
    expect(readRecord({ ...row, text })).toEqual({
      kind: 'record-hash',
      expected: row.hash.toString('hex'),
      found: leafHash(text).toString('hex'),
    })
    const hash = Buffer.from(row.hash.map((byte) => byte ^ 1))
    expect(readRecord({ ...row, hash })).toMatchObject({ kind: 'record-hash' })
  })

  test.each<[string, Row, string]>([
    ['another version', withBody({ v: 2 }), 'version 2'],
    ['a version that is text', withBody({ v: '1' }), 'version 1'],
    ['no version', withText('{}'), 'version undefined'],
    ['an array', withText('[1]'), 'version undefined'],
    ['null', withText('null'), 'version undefined'],
    ['a number', withText('1'), 'version undefined'],
    ['nothing', withText(''), 'version undefined'],
    ['half a record', withText((row['text'] as string).slice(0, 40)), 'version undefined'],
  ])('E85 %s is no record: nothing is taken for an older format', (_, stored, found) => {
    const fault = readRecord(stored)
    expect(isFault(fault)).toBe(true)
    expect(fault).toEqual({ kind: 'record-format', expected: 'version 1', found })
  })

  test.each([[null], [1], ['x'], [[]], [{}], [{ rows: 1 }]])('E85 a change that is %j is none', (change) => {
    expect(readRecord(withBody({ change }))).toEqual({
      kind: 'record-format',
      expected: 'a change with its rows',
      found: 'another',
    })
  })

  test('E85 what cannot even be shown as text is no record', () => {
    expect(readRecord(withBody({ tenant: { toString: 1, valueOf: 1 } }))).toEqual({
      kind: 'record-format',
      expected: 'a record',
      found: 'something else',
    })
  })

  test.each<[string, Value]>([
    ['tenant', 'other'],
    ['seq', 4],
    ['ts', 1001],
    ['actor', 'mallory'],
    ['action', 'decrypt'],
    ['status', 'SUCCESS'],
    ['keyId', 'other'],
    ['keyId', null],
    ['writer', 'v'],
    ['writerSeq', 3],
  ])('E80 a column that says something else than the text is a fault: %s', (column, value) => {
    const expected = column === 'ts' ? 1000 : row[column]
    expect(readRecord({ ...row, [column]: value })).toEqual({
      kind: 'record-column',
      expected: `${column} ${String(expected)}`,
      found: String(value),
    })
  })

  test('E80 a key in the column, and none in the text, is a fault too', () => {
    const { keyId: _, ...rest } = draft
    expect(readRecord({ ...linkRecord(rest, place), keyId: 'k' })).toEqual({
      kind: 'record-column',
      expected: 'keyId null',
      found: 'k',
    })
  })

  test.each<[string, Row]>([
    ['a duplicate name', withText((row['text'] as string).replace('{', '{"actor":"mallory",'))],
    [
      'another order',
      withText(JSON.stringify(Object.fromEntries(Object.entries(JSON.parse(row['text'] as string)).toReversed()))),
    ],
    ['white space', withText((row['text'] as string).replaceAll(',', ', '))],
  ])('E85 a text with %s reads as the same record, but under another hash', (_, stored) => {
    const record = readRecord(stored)
    expect(isFault(record)).toBe(false)
    expect(Reflect.get(record, 'hash')).not.toBe(row.hash.toString('hex'))
  })
})
