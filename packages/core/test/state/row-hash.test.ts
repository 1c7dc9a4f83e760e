import { hash } from 'node:crypto'
import { fc, test as law } from '@fast-check/vitest'
import { describe, expect, test } from 'vitest'
import { jcs, type Json } from '../../src/internal/jcs.ts'
import { rowHash } from '../../src/state/tree/place.ts'
import type { Row, Value } from '../../src/storage/table.ts'
import { tables } from '../../src/storage/tables.ts'

/** As the specification says it, without a thought of how long it takes. */
function expectedOf(table: string, row: Row): string {
  const members = Object.entries(row)
    .filter(([column]) => table !== 'keyring' || column !== 'wrapped')
    .map(([column, value]) => [column, value instanceof Uint8Array ? Buffer.from(value).toString('base64url') : value])
  return hash('sha256', jcs(Object.fromEntries(members) as Json), 'base64url')
}

/** Few values, so that rows often share some with the row before, and what looks like another type's. */
const value = fc.constantFrom<Value>(
  null,
  '',
  'a',
  '"',
  'null',
  '1',
  0,
  -0,
  1,
  2 ** 53 - 1,
  Buffer.from('a'),
  Buffer.alloc(0),
)
const rowOf = (columns: readonly string[]): fc.Arbitrary<Row> =>
  fc
    .tuple(fc.shuffledSubarray([...columns], { minLength: columns.length }), fc.boolean(), fc.infiniteStream(value))
    .map(([shuffled, isShuffled, values]) => {
      const names = isShuffled ? shuffled : columns
      return Object.fromEntries(names.map((name) => [name, values.next().value as Value]))
    })

describe('the hash of a row', () => {
  const kept = tables.filter(({ columns }) => columns['rev'] !== undefined)

  law.prop([
    fc.array(
      fc.constantFrom(...kept).chain((table) => fc.tuple(fc.constant(table.name), rowOf(Object.keys(table.columns)))),
      { minLength: 1, maxLength: 20 },
    ),
  ])('is over its JCS, in whatever order its columns are, and whatever the rows before were', (rows) => {
    for (const [table, row] of rows) expect(rowHash(table, row)).toBe(expectedOf(table, row))
  })

  test.each<[string, Row]>([
    ['one column more', { tenant: 'default', space: 'key', name: 'n', target: 't', kind: 'k', rev: 1, more: 1 }],
    ['one column less', { tenant: 'default', space: 'key', name: 'n', target: 't', kind: 'k' }],
    ['another column', { tenant: 'default', space: 'key', name: 'n', target: 't', kind: 'k', other: 1 }],
    ['no columns', {}],
  ])('says it of a row that is none, with %s', (_, row) => {
    expect(rowHash('names', row)).toBe(expectedOf('names', row))
  })

  test.each([0.5, NaN, 2 ** 53, undefined, '\ud800'])('is none of a row that holds %s', (wrong) => {
    const row = { tenant: 'default', space: 'key', name: 'n', target: 't', kind: 'k', rev: 1 }
    expect(() => rowHash('names', { ...row, target: wrong as Value })).toThrow(TypeError)
  })

  test('takes no column from a prototype', () => {
    const row = { tenant: 'default', space: 'key', name: 'n', target: 't', kind: 'k' }
    const inherits = Object.assign(Object.create({ rev: 1 }) as object, row) as Row
    expect(rowHash('names', inherits)).toBe(expectedOf('names', row))
  })
})
