import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { draftBytes, linkRecord, recordText, recordVersion } from '../../src/audit/record.ts'
import type { RecordDraft, RecordPlace } from '../../src/audit/record.ts'
import { LimitExceededError } from '../../src/errors.ts'

/** RFC 8785 for what a record holds: members by code units, integers, strings as JSON writes them. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${canonical(member)}`).join(',')}}`
}

const place: RecordPlace = {
  tenant: 'default',
  seq: 7,
  prev: 'ab'.repeat(32),
  ts: Date.UTC(2026, 0, 2, 3, 4, 5, 678),
  durationMs: 3,
  writer: 'c0ffee00-0000-4000-8000-000000000000',
  writerSeq: 2,
}
const draft: RecordDraft = {
  action: 'encrypt',
  actor: { id: 'billing', role: 'service' },
  status: 'SUCCESS',
  startedAt: 0,
}
const whole: RecordDraft = {
  ...draft,
  status: 'FAILURE',
  code: 'CONFLICT',
  reason: 'why',
  keyId: 'k',
  keyVersion: 4,
  owner: 'o',
  requestId: 'r',
  context: ['aa', 'bb'],
  counts: { ok: 1, failed: 2 },
  digest: 'dd',
  details: { b: 1, a: 'x', '\u{1f600}': true, '\ufffd': false },
}
const change = {
  previous: 3,
  previousHash: 'cd'.repeat(32),
  revision: 9,
  rows: [
    { table: 'keys', key: ['k'], rev: 2 },
    { table: 'versions', key: ['k', 2], rev: 1 },
  ],
  stateRoot: '00'.repeat(32),
}

const nasty = fc.constantFrom('\r', '\n', '\u2028', '\u001b', '\0', '"', '\\', '\u202e')
const text = fc.string({
  unit: fc.oneof(nasty, fc.string({ unit: 'binary', minLength: 1, maxLength: 1 })),
  maxLength: 12,
})
const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(arbitrary, { nil: undefined })
/** Details are named by the library itself. */
const names = fc.stringMatching(/^[a-zA-Z]{1,12}$/)
const drafts: fc.Arbitrary<RecordDraft> = fc.record({
  action: text,
  actor: fc.record({ id: text, role: fc.constantFrom('admin', 'service', 'auditor') }),
  status: fc.constantFrom('SUCCESS', 'DENIED', 'FAILURE'),
  code: maybe(text),
  reason: maybe(text),
  keyId: maybe(text),
  keyVersion: maybe(fc.nat()),
  owner: maybe(text),
  requestId: maybe(text),
  context: maybe(fc.array(text, { maxLength: 3 })),
  counts: maybe(fc.record({ ok: fc.nat(), failed: fc.nat() })),
  digest: maybe(text),
  details: maybe(fc.dictionary(names, fc.oneof(text, fc.maxSafeInteger(), fc.boolean()), { maxKeys: 5 })),
  startedAt: fc.constant(0),
})
const rows = fc.array(fc.record({ table: text, key: fc.array(fc.oneof(text, fc.nat())), rev: fc.nat() }), {
  maxLength: 3,
})
const places: fc.Arbitrary<RecordPlace> = fc.record({
  tenant: text,
  seq: fc.maxSafeNat(),
  prev: text,
  ts: fc.integer({ min: 0, max: 253_402_300_799_999 }),
  clockSkewMs: maybe(fc.maxSafeNat()),
  durationMs: fc.nat(),
  writer: text,
  writerSeq: fc.maxSafeNat(),
  change: maybe(
    fc.record({ previous: fc.integer({ min: -1 }), previousHash: text, revision: fc.nat(), rows, stateRoot: text }),
  ),
})

const leastText =
  `{"action":"encrypt","actor":"billing","durationMs":3,"prev":"${'ab'.repeat(32)}","role":"service","seq":7,` +
  '"status":"SUCCESS","tenant":"default","ts":"2026-01-02T03:04:05.678Z","v":1,' +
  '"writer":"c0ffee00-0000-4000-8000-000000000000","writerSeq":2}'

describe('the text of a record', () => {
  test('E85 is its own canonical form (RFC 8785), whatever it says', () => {
    fc.assert(
      fc.property(drafts, places, (someDraft, somePlace) => {
        const written = recordText(someDraft, somePlace)
        expect(canonical(JSON.parse(written))).toBe(written)
      }),
    )
  })

  test('says everything that is known, and nothing else', () => {
    expect(JSON.parse(recordText(whole, { ...place, clockSkewMs: 5, change }))).toEqual({
      action: 'encrypt',
      actor: 'billing',
      change,
      clockSkewMs: 5,
      code: 'CONFLICT',
      context: ['aa', 'bb'],
      counts: { ok: 1, failed: 2 },
      details: { b: 1, a: 'x', '\u{1f600}': true, '\ufffd': false },
      digest: 'dd',
      durationMs: 3,
      keyId: 'k',
      keyVersion: 4,
      owner: 'o',
      prev: 'ab'.repeat(32),
      reason: 'why',
      requestId: 'r',
      role: 'service',
      seq: 7,
      status: 'FAILURE',
      tenant: 'default',
      ts: '2026-01-02T03:04:05.678Z',
      v: recordVersion,
      writer: place.writer,
      writerSeq: 2,
    })
  })

  test('of the least record is exactly this', () => {
    expect(recordVersion).toBe(1)
    expect(recordText(draft, place)).toBe(leastText)
  })

  test('says what its own draft and place say, whatever the record before it said', () => {
    const other: RecordDraft = { ...whole, action: 'sign', actor: { id: 'b', role: 'admin' }, status: 'DENIED' }
    const elsewhere = { ...place, tenant: 'b', writer: 'w' }
    for (const at of [0, 1, 1, 0, 0, 1]) {
      const record: unknown = JSON.parse(at === 0 ? recordText(draft, place) : recordText(other, elsewhere))
      const said = { action: 'sign', actor: 'b', keyId: 'k', owner: 'o', role: 'admin', status: 'DENIED', tenant: 'b' }
      if (at === 1) expect(record).toMatchObject({ ...said, writer: 'w' })
      else expect(record).toEqual(JSON.parse(leastText))
    }
  })

  test('carries the time of its place, also when times alternate', () => {
    const times = [1, 2, 1, 2].map((ts) => (JSON.parse(recordText(draft, { ...place, ts })) as { ts: string }).ts)
    const [first, second] = ['1970-01-01T00:00:00.001Z', '1970-01-01T00:00:00.002Z']
    expect(times).toEqual([first, second, first, second])
  })

  test('E75 has no place for a lone surrogate, a fraction, or what no safe integer is, in its details', () => {
    for (const value of ['\ud800', 0.5, Number.NaN, 2 ** 53, Infinity]) {
      expect(() => recordText({ ...draft, details: { value } }, place)).toThrow(TypeError)
    }
    expect(recordText({ ...draft, details: { value: -0 } }, place)).toContain('"details":{"value":0}')
  })
})

describe('the row of a record', () => {
  test('repeats of the text what one searches by, and hashes it as a leaf', () => {
    const row = linkRecord(whole, place)
    const written = recordText(whole, place)
    expect(row).toEqual({
      tenant: 'default',
      seq: 7,
      ts: place.ts,
      actor: 'billing',
      action: 'encrypt',
      status: 'FAILURE',
      keyId: 'k',
      writer: place.writer,
      writerSeq: 2,
      hash: createHash('sha256').update(`\0${written}`).digest(),
      text: written,
    })
    expect(linkRecord(draft, place)['keyId']).toBeNull()
  })

  /** A draft whose record is so many bytes long. */
  const draftOf = (bytes: number, unit = 'x'): RecordDraft => {
    const empty = { ...draft, reason: '' }
    const room = bytes - Buffer.byteLength(recordText(empty, place))
    const filled = unit.repeat(Math.floor(room / Buffer.byteLength(unit)))
    return { ...empty, reason: filled + 'x'.repeat(room - Buffer.byteLength(filled)) }
  }

  test.each(['x', 'é', '€'])('E75 holds 16 KiB to the byte, counted in UTF-8 (%s)', (unit) => {
    const full = draftOf(16_384, unit)
    expect(Buffer.byteLength(linkRecord(full, place)['text'] as string)).toBe(16_384)
    expect(linkRecord(full, place)['text']).toBe(recordText(full, place))
    expect(() => linkRecord(draftOf(16_385, unit), place)).toThrow(LimitExceededError)
  })

  test('E75 of a change is bounded too, however many rows it touches', () => {
    const key = ['p'.repeat(256), 'k'.repeat(36), 'g'.repeat(36)]
    const rowsOf = (length: number) => Array.from({ length }, () => ({ table: 'grants', key, rev: 1 }))
    expect(linkRecord(draft, { ...place, change: { ...change, rows: rowsOf(30) } })['seq']).toBe(7)
    const link = (): unknown => linkRecord(draft, { ...place, change: { ...change, rows: rowsOf(100) } })
    expect(link).toThrow(LimitExceededError)
    expect(link).toThrow('an audit record would be too long')
  })
})

describe('how much room a draft takes while it waits', () => {
  test('is 480 and its texts, and those of the pairs of its context with 3 for each', () => {
    expect(draftBytes({ ...draft, actor: { id: '', role: 'admin' } })).toBe(480)
    expect(draftBytes(draft)).toBe(487)
    expect(draftBytes({ ...draft, requestId: 'abc', reason: 'de', context: ['', 'a=b'] })).toBe(487 + 5 + 9)
  })

  test('is never less than half of its record', () => {
    fc.assert(
      fc.property(fc.nat(64), fc.string({ maxLength: 128 }), fc.string({ maxLength: 256 }), (pairs, requestId, id) => {
        const context = Array.from({ length: pairs }, () => '0'.repeat(32))
        const waiting = {
          ...draft,
          context,
          requestId,
          actor: { id, role: 'service' as const },
          keyId: '0'.repeat(36),
          keyVersion: 1,
        }
        expect(draftBytes(waiting) * 2).toBeGreaterThanOrEqual(recordText(waiting, place).length)
      }),
    )
  })
})
