import { describe, expect, test } from 'vitest'
import { emptyTree } from '../../src/house/genesis.ts'
import { RowWriter } from '../../src/state/row-writer.ts'
import type { StorageTransaction } from '../../src/storage/adapter.ts'
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
