import { beforeEach, describe, expect, test } from 'vitest'
import { createKms, localRootKey, type Kms } from '../../src/index.ts'
import { Shelf } from '../support/audit-storage.ts'
import { codeOf } from '../support/audit-world.ts'
import { rootKeyText } from '../support/kms.ts'

let shelf: Shelf
let kms: Kms

/** A key with 70 versions, whose rows lie in two buckets of the tree. */
beforeEach(async () => {
  shelf = new Shelf()
  kms = await createKms({ storage: shelf.adapter(), rootKey: localRootKey(rootKeyText), deadlineMs: 60_000 })
  await kms.keys.create({ name: 'orders', spec: 'AES_256' })
  for (let version = 2; version <= 70; version++) await kms.keys.rotate({ key: 'orders' })
})

/** Takes the row of a version out of the database. */
async function hide(version: number): Promise<void> {
  const [row] = await shelf.rows('keys')
  await shelf.tamper(async (tx) => tx.remove('versions', ['default', String(row?.['id']), version]))
}

const listed = async (limit: number): Promise<number[]> => {
  const versions: number[] = []
  for await (const { version } of kms.keys.listVersions({ key: 'orders', limit })) versions.push(version)
  return versions
}

describe('F97 the list of the versions of a key', () => {
  test.each([1, 3, 10, 64, 69, 70, 500])('in pages of %i is whole', async (limit) => {
    expect(await listed(limit)).toEqual(Array.from({ length: 70 }, (_, at) => at + 1))
  })

  test.each([
    ['the first', 1],
    ['one in the middle', 30],
    ['the last one of a bucket', 63],
    ['the first one of another', 64],
    ['the last but one', 69],
    ['the last', 70],
  ])('shows that %s is missing, whatever the length of its pages', async (_, version) => {
    await hide(version)
    for (const limit of [1, 7, 32, 63, 64, 69, 70, 500]) {
      expect([limit, await codeOf(listed(limit))]).toEqual([limit, 'STORAGE_TAMPERED'])
    }
  })

  test('shows that all are missing', async () => {
    for (let version = 1; version <= 70; version++) await hide(version)
    expect(await codeOf(listed(10))).toBe('STORAGE_TAMPERED')
  })

  test('shows that the end is missing', async () => {
    for (let version = 60; version <= 70; version++) await hide(version)
    for (const limit of [1, 59, 60, 100])
      expect([limit, await codeOf(listed(limit))]).toEqual([limit, 'STORAGE_TAMPERED'])
  })
})
