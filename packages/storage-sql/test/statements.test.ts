import type { Range } from '@chatelaine/core/storage'
import { describe, expect, test } from 'vitest'
import { Schema, Statements } from '../src/index.ts'
import { dialect, marks, thing, things } from './sample.ts'

const schema = new Schema([things, marks], dialect)
const statements = new Statements(schema).of('things')
const columns = '"tenant", "id", "ownerId", "size", "body", "rev"'

/** The part of a range's statement that makes it this range, and its values. */
function rangeOf(range: Omit<Range, 'limit'>): { readonly where: string; readonly parameters: readonly unknown[] } {
  const { statement, parameters } = statements.range({ ...range, limit: 9 })
  const beginning = `select ${columns} from "kms_things" where `
  expect(statement.sql.startsWith(beginning)).toBe(true)
  expect(statement.sql.endsWith(' limit ?')).toBe(true)
  expect(parameters.at(-1)).toBe(9)
  return { where: statement.sql.slice(beginning.length, -' limit ?'.length), parameters: parameters.slice(0, -1) }
}

describe('definitions', () => {
  // A database keeps these texts and is compared with them when it is opened: they may never change.
  test('tables and indexes are defined as they always were', () => {
    expect(schema.objectsOf(['0001', '0002']).map(({ name, definition }) => [name, definition.sql])).toEqual([
      [
        'kms_things',
        'create table "kms_things" ("tenant" text not null, "id" text not null, "ownerId" text, "size" integer not null, ' +
          '"body" blob not null, "rev" integer not null, constraint "kms_things_pk" primary key ("tenant", "id")) strict',
      ],
      ['kms_things_by_owner', 'create index "kms_things_by_owner" on "kms_things" ("tenant", "ownerId", "id")'],
      ['kms_things_by_size', 'create unique index "kms_things_by_size" on "kms_things" ("size")'],
      [
        'kms_marks',
        'create table "kms_marks" ("at" integer not null, constraint "kms_marks_pk" primary key ("at")) strict',
      ],
    ])
  })

  test('each version in which tables appeared is a migration', () => {
    expect(schema.migrations).toEqual(['0001', '0002'])
    expect(schema.objectsOf(['0002']).map(({ name }) => name)).toEqual(['kms_marks'])
  })
})

describe('statements', () => {
  test('a row is read, replaced and removed by its primary key', () => {
    expect(statements.get(['t', 'a'])).toEqual({
      statement: { sql: `select ${columns} from "kms_things" where ("tenant" = ? and "id" = ?)` },
      parameters: ['t', 'a'],
    })
    const values = statements.codec.encode(thing({ rev: 3 }))
    expect(statements.replace(values, 2)).toEqual({
      statement: {
        sql:
          'update "kms_things" set "ownerId" = ?, "size" = ?, "body" = ?, "rev" = ? ' +
          'where ("tenant" = ? and "id" = ? and "rev" = ?)',
      },
      parameters: [null, 1, Uint8Array.of(1), 3, 't', 'a', 2],
    })
    expect(statements.remove(['t', 'a'], undefined)).toEqual({
      statement: { sql: 'delete from "kms_things" where ("tenant" = ? and "id" = ?)' },
      parameters: ['t', 'a'],
    })
    expect(statements.remove(['t', 'a'], 2)).toEqual({
      statement: { sql: 'delete from "kms_things" where ("tenant" = ? and "id" = ? and "rev" = ?)' },
      parameters: ['t', 'a', 2],
    })
  })

  test('a row is inserted by column, in whatever order the row has them', () => {
    expect(statements.insert.sql).toBe(`insert into "kms_things" (${columns}) values (?, ?, ?, ?, ?, ?)`)
    const row = thing({ size: 5 })
    const reversed = Object.fromEntries(Object.entries(row).toReversed())
    expect(statements.codec.encode(reversed)).toEqual(['t', 'a', null, 5, Uint8Array.of(1), 1])
    expect(statements.codec.encode(reversed)).toEqual(statements.codec.encode(row))
  })

  test('a range without a bound is a prefix in order', () => {
    expect(rangeOf({ prefix: ['t'] })).toEqual({ where: '"tenant" = ? order by "id" asc', parameters: ['t'] })
    expect(rangeOf({ prefix: ['t', 'a'] })).toEqual({ where: '("tenant" = ? and "id" = ?)', parameters: ['t', 'a'] })
    expect(rangeOf({ prefix: [] }).where).toBe('1 = 1 order by "tenant" asc, "id" asc')
  })

  test('a bound is a comparison of tuples', () => {
    expect(rangeOf({ prefix: [], after: ['t', 'a'] })).toEqual({
      where: '("tenant", "id") > (?, ?) order by "tenant" asc, "id" asc',
      parameters: ['t', 'a'],
    })
    expect(rangeOf({ prefix: ['t'], after: ['a'], order: 'desc' }).where).toBe(
      '("tenant" = ? and ("id") < (?)) order by "id" desc',
    )
  })

  test('null is in a prefix what it is in a row, and comes before all else', () => {
    expect(rangeOf({ index: 'by_owner', prefix: ['t', null], after: ['a'] })).toEqual({
      where: '("tenant" = ? and "ownerId" is null and ("id") > (?)) order by "id" asc',
      parameters: ['t', 'a'],
    })
    expect(rangeOf({ index: 'by_owner', prefix: ['t'], after: ['o'] }).where).toBe(
      '("tenant" = ? and ("ownerId") > (?)) order by "ownerId" asc nulls first, "id" asc',
    )
    expect(rangeOf({ index: 'by_owner', prefix: ['t'], after: ['o', 'a'], order: 'desc' }).where).toBe(
      '("tenant" = ? and (("ownerId" is not null), "ownerId", "id") < (true, ?, ?)) ' +
        'order by "ownerId" desc nulls last, "id" desc',
    )
  })

  test('ranges of one shape share one statement, whatever their values and limits', () => {
    const one = statements.range({ prefix: ['t'], after: ['a'], limit: 1 })
    expect(statements.range({ prefix: ['other'], after: ['b'], order: 'asc', limit: 1000 }).statement).toBe(
      one.statement,
    )
    expect(statements.range({ prefix: ['t'], limit: 1 }).statement).not.toBe(one.statement)
  })
})
