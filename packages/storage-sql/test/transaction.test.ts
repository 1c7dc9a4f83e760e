import { isStorageConflict, storageFailureOf } from '@chatelaine/core/storage'
import type { StorageFailure } from '@chatelaine/core/storage'
import { describe, expect, test } from 'vitest'
import { BoundedMap, Schema, SqlTransaction, SqlView, Statements } from '../src/index.ts'
import type { SqlResult } from '../src/index.ts'
import { ToldSession, dialect, things, thing } from './sample.ts'

const statements = new Statements(new Schema([things], dialect))

async function failureOf(promise: Promise<unknown>): Promise<StorageFailure | undefined> {
  return promise.then(
    () => undefined,
    (error: unknown) => storageFailureOf(error),
  )
}

const transactionOn = (answer: Partial<SqlResult>): SqlTransaction =>
  new SqlTransaction(new ToldSession(answer), statements)

describe('a database that is not to be trusted', () => {
  test.each([
    ['text for an integer', { size: '1' }],
    ['a fraction', { size: 1.5 }],
    ['an integer beyond the safe ones', { size: 2 ** 53 }],
    ['a bigint', { size: 1n }],
    ['null where none may be', { size: null }],
    ['text for bytes', { body: 'text' }],
    ['bytes for text', { id: Uint8Array.of(97) }],
    ['text with NUL', { id: 'a\0' }],
    ['no value at all', { id: undefined }],
  ])('is not believed when it returns %s', async (_, values) => {
    const rows = [thing(), { ...thing(), ...values }]
    const view = new SqlView(new ToldSession({ rows }), statements)
    expect(await failureOf(view.range('things', { prefix: ['t'], limit: 5 }))).toMatchObject({ transient: false })
    const one = new SqlView(new ToldSession({ rows: rows.slice(1) }), statements)
    expect(await failureOf(one.get('things', ['t', 'a']))).toMatchObject({ transient: false })
  })

  test('is not believed when it changed more or fewer rows than it was told', async () => {
    for (const changes of [0, 2]) {
      const transaction = transactionOn({ changes })
      expect(await failureOf(transaction.insert('things', thing()))).toMatchObject({ transient: false })
      expect(await failureOf(transaction.append('things', [thing()]))).toMatchObject({ transient: false })
    }
    expect(await failureOf(transactionOn({ changes: 2 }).remove('things', ['t', 'a']))).toMatchObject({
      transient: false,
    })
    expect(await failureOf(transactionOn({ changes: 3 }).replace('things', thing(), 1))).toMatchObject({
      transient: false,
    })
  })
})

describe('verbs', () => {
  test('a change of no row is a clash', async () => {
    const transaction = transactionOn({ changes: 0 })
    for (const change of [transaction.replace('things', thing(), 1), transaction.remove('things', ['t', 'a'])]) {
      expect(isStorageConflict(await change.catch((error: unknown) => error))).toBe(true)
    }
  })

  test('what is appended runs one statement for each row, with values of its own', async () => {
    const session = new ToldSession()
    await new SqlTransaction(session, statements).append('things', [thing({ id: 'a' }), thing({ id: 'b' })])
    expect(session.statements.map(({ parameters }) => parameters[1])).toEqual(['a', 'b'])
    expect(new Set(session.statements.map(({ sql }) => sql)).size).toBe(1)
  })

  test('a savepoint within another has another name, and none is left behind', async () => {
    const session = new ToldSession()
    const transaction = new SqlTransaction(session, statements)
    const error = new Error('no')
    const undone = transaction.savepoint(async () => {
      await transaction.savepoint(async () => undefined)
      throw error
    })
    await expect(undone).rejects.toBe(error)
    expect(session.statements.map(({ sql }) => sql)).toEqual([
      'savepoint step_0',
      'savepoint step_1',
      'release step_1',
      'rollback to step_0',
      'release step_0',
    ])
  })

  test('a transaction whose savepoint could not be undone is over', async () => {
    const broken = new ToldSession()
    const told = broken.run.bind(broken)
    broken.run = (statement, parameters) =>
      statement.sql.startsWith('rollback') ? Promise.reject(new Error('lost')) : told(statement, parameters)
    const transaction = new SqlTransaction(broken, statements)
    await expect(transaction.savepoint(() => Promise.reject(new Error('step')))).rejects.toThrow('step')
    expect(() => transaction.check()).toThrow('over')
    expect(await failureOf(transaction.get('things', ['t', 'a']))).toMatchObject({ transient: false })
  })

  test('a step that fails after the end of its transaction touches the session no more', async () => {
    const session = new ToldSession()
    const transaction = new SqlTransaction(session, statements)
    const late = transaction.savepoint(async () => {
      transaction.end()
      throw new Error('late')
    })
    await expect(late).rejects.toThrow('late')
    expect(session.statements.map(({ sql }) => sql)).toEqual(['savepoint step_0'])
  })
})

test('a bounded map forgets what it has known longest', () => {
  const map = new BoundedMap<number, object>(2)
  const first = map.obtain(1, () => ({}))
  expect(map.obtain(1, () => ({}))).toBe(first)
  map.obtain(2, () => ({}))
  map.obtain(3, () => ({}))
  expect(map.obtain(1, () => ({}))).not.toBe(first)
})
