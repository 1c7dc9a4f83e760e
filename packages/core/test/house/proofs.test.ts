import { describe, expect, test } from 'vitest'
import { leafHash } from '../../src/crypto/hash.ts'
import { generateRootKey, isKmsError, localRootKey } from '../../src/index.ts'
import type { Row } from '../../src/storage/table.ts'
import { World } from '../support/audit-world.ts'

const codeOf = async (work: PromiseLike<unknown>): Promise<unknown> =>
  work.then(
    () => 'done',
    (error: unknown) => (isKmsError(error) ? error.code : error),
  )

/** A record with another text, and the hash that fits it. */
const retold = (row: Row, tell: (body: Record<string, unknown>) => object): Row => {
  const text = JSON.stringify(tell(JSON.parse(row['text'] as string) as Record<string, unknown>))
  return { ...row, text, hash: leafHash(text) }
}

describe('what is proved when a store is opened', () => {
  test('E82 the origin of the log: nothing is signed under a name that somebody else chose', async () => {
    for (const origin of ['example.com/other', 'chatelaine.invalid/default\n9\nAAAA\n']) {
      const world = new World()
      await world.open()
      await world.shelf.edit('records', ['default', 0], (row) =>
        retold(row, (body) => ({ ...body, details: { ...(body['details'] as object), origin } })),
      )
      expect(await codeOf(world.open())).toBe('STORAGE_TAMPERED')
    }
  })

  test('E81 the end of the log: an older head over newer records is a rollback', async () => {
    const world = new World()
    const kms = await world.open()
    await kms.generateRandom({ numberOfBytes: 1 })
    const heads = await world.shelf.rows('heads')
    expect(heads.length).toBeGreaterThan(1)
    await world.shelf.tamper(async (tx) => tx.remove('heads', ['default', heads.at(-1)?.['size'] as number]))
    expect(await codeOf(world.open())).toBe('ROLLBACK_DETECTED')
  })

  test('G104 the root key, on whatever tenant there is: another key makes no tenant in a store that is not its own', async () => {
    const world = new World()
    await world.open()
    const rootKey = localRootKey(generateRootKey())
    expect(await codeOf(world.open({ rootKey, tenant: 'second' }))).toBe('ROOT_KEY_MISMATCH')
    expect((await world.shelf.rows('keyring')).map((row) => row['tenant'])).toEqual(['default'])
  })
})

test('E80 a KMS that is in use reports a record that was edited under it, by its place', async () => {
  const world = new World()
  const kms = await world.open()
  await kms.generateRandom({ numberOfBytes: 1 })
  await world.shelf.edit('records', ['default', 1], (row) => ({ ...row, text: `${row['text'] as string} ` }))
  expect(await kms.audit.verify()).toMatchObject({ ok: false, problem: { seq: 1, kind: 'record-hash' } })
})
