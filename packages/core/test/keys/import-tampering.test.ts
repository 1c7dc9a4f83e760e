import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { Kms } from '../../src/index.ts'
import type { Row } from '../../src/storage.ts'
import { bring, enabled, material } from '../support/imports.ts'
import { expectCode, outcomeOf, type World } from '../support/kms.ts'

/** What somebody does who writes to the database: the row of the import is another, or gone. */
async function written({ db, again }: World, change: (row: Row) => Row | undefined): Promise<Kms> {
  const [row] = (await db.rows('imports')) as [Row]
  const changed = change(row)
  await db.connect().transact('default', async (tx) => {
    if (changed === undefined) await tx.remove('imports', ['default', row['keyId']!, row['version']!])
    else await tx.replace('imports', { ...changed, rev: row['rev']! }, row['rev'] as number)
  })
  return again()
}

/** A key whose material was deleted, so that only its fingerprint says what may come again. */
async function emptied(): Promise<World> {
  const world = await enabled()
  await world.kms.keys.deleteImportedKeyMaterial({ key: 'k' })
  return world
}

describe('F97 what is stored of an import', () => {
  test('F97 cannot be taken away, so that other material would be taken for the first', async () => {
    const world = await emptied()
    const kms = await written(world, () => undefined)
    await expectCode(bring({ ...world, kms }, randomBytes(32)), 'STORAGE_TAMPERED')
    await expectCode(bring({ ...world, kms }, material), 'STORAGE_TAMPERED')
    expect((await world.db.rows('versions')).map((row) => row['material'])).toEqual([null])
  })

  test('F97 cannot be changed, so that other material would come in', async () => {
    const world = await emptied()
    const kms = await written(world, (row) => ({
      ...row,
      fingerprint: Buffer.from(row['fingerprint'] as Buffer).fill(1, 40),
    }))
    await expectCode(bring({ ...world, kms }, material), 'STORAGE_TAMPERED')
  })

  test('F97 cannot be put off: the material of an older version whose end was moved is not used', async () => {
    for (const expiresAt of [null, 1e15]) {
      const world = await enabled(1000)
      const { ciphertext } = await world.kms.encrypt({ key: 'k', plaintext: 'x' })
      await world.kms.keys.rotate({ key: 'k', material: { format: 'raw', bytes: randomBytes(32) } })
      const kms = await written(world, (row) => ({ ...row, expiresAt }))
      await expectCode(kms.decrypt({ ciphertext }), 'STORAGE_TAMPERED')
    }
  })

  test('F97 has no say over the current version, whose end stands with its key', async () => {
    const world = await enabled(1000)
    const kms = await written(world, (row) => ({ ...row, expiresAt: null }))
    expect(await outcomeOf(kms.encrypt({ key: 'k', plaintext: 'x' }))).toBe('ok')
    world.clock.advance(1000)
    await expectCode(kms.encrypt({ key: 'k', plaintext: 'x' }), 'INVALID_KEY_STATE')
  })
})
