import { describe, expect, test } from 'vitest'
import { emptyTree } from '../../src/house/genesis.ts'
import { RowWriter } from '../../src/state/row-writer.ts'
import type { StorageTransaction } from '../../src/storage/adapter.ts'
import type { Row } from '../../src/storage/table.ts'
import { codeOf } from '../support/audit-world.ts'

/** A storage that agrees to everything. */
const agreeing: StorageTransaction = {
  get: async () => undefined,
  range: async () => [],
  insert: async () => undefined,
  replace: async () => undefined,
  remove: async () => undefined,
  append: async () => undefined,
  savepoint: async (step) => step(),
}

const row = { tenant: 'default', operation: 'encrypt', name: 'daily', subject: '*', times: '[]' }

/** A writer where the state has the row at this revision, or has none. */
async function writer(rev: number | undefined): Promise<RowWriter> {
  const tree = emptyTree('default')
  if (rev !== undefined) await tree.put('quota_uses', { ...row, rev })
  return new RowWriter({ tx: agreeing, tenant: 'default', tree })
}

describe('F97 a storage that agrees to less than was asked is noticed', () => {
  const read = { ...row, rev: 2 }

  test.each<[number | undefined, string | undefined]>([
    [2, undefined],
    [1, 'STORAGE_TAMPERED'],
    [3, 'STORAGE_TAMPERED'],
    [undefined, 'STORAGE_TAMPERED'],
  ])('where a row that was read at 2 is replaced or removed and the state has it at %s', async (rev, expected) => {
    expect(await codeOf((await writer(rev)).update('quota_uses', read, { times: '[[1,1]]' }))).toBe(expected)
    expect(await codeOf((await writer(rev)).remove('quota_uses', read))).toBe(expected)
  })

  test('where a row is added that the state has', async () => {
    const taken = (): Error => new Error('taken')
    expect(await codeOf((await writer(undefined)).insert('quota_uses', row, taken))).toBeUndefined()
    expect(await codeOf((await writer(1)).insert('quota_uses', row, taken))).toBe('STORAGE_TAMPERED')
  })
})

describe('rows that were read before, as they are now,', () => {
  const key = ['encrypt', 'daily', '*']
  const known = { ...row, rev: 2 }

  /** What is said of a row, and how often the storage, which has `stored`, was asked. */
  async function said(seen: Row | undefined, stored?: Row): Promise<{ rows: readonly Row[]; asked: number }> {
    const tree = emptyTree('default')
    await tree.put('quota_uses', known)
    let asked = 0
    const get = async (): Promise<Row | undefined> => {
      asked += 1
      return stored
    }
    const writes = new RowWriter({ tx: { ...agreeing, get }, tenant: 'default', tree })
    return { rows: await writes.asOfNow('quota_uses', [{ key, row: seen }]), asked }
  }

  test('are what the tree knows, without another look', async () => {
    expect(await said(known)).toEqual({ rows: [known], asked: 0 })
  })

  test('are read again where they are something else by now, or were not there', async () => {
    const expectation = { rows: [known], asked: 1 }
    expect(await said({ ...known, rev: 1 }, known)).toEqual(expectation)
    expect(await said({ ...known, times: '[[1,1]]' }, known)).toEqual(expectation)
    expect(await said(undefined, known)).toEqual(expectation)
  })

  test('F97 are not another row that the state has, nor one that it has not', async () => {
    const other = { ...row, subject: 'others', rev: 1 }
    const tree = emptyTree('default')
    await tree.put('quota_uses', known)
    await tree.put('quota_uses', other)
    const writes = new RowWriter({ tx: { ...agreeing, get: async () => other }, tenant: 'default', tree })
    expect(await codeOf(writes.asOfNow('quota_uses', [{ key, row: other }]))).toBe('STORAGE_TAMPERED')
    const forged = { ...known, times: '[[1,1]]' }
    expect(await codeOf(said(forged, forged))).toBe('STORAGE_TAMPERED')
    expect(await codeOf(said(forged))).toBe('STORAGE_TAMPERED')
  })
})
