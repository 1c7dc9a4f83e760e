import { describe, expect, test } from 'vitest'
import type { Kms } from '../../src/index.ts'
import type { Row } from '../../src/storage.ts'
import { day, makeWorld, outcomeOf, type Database, type World } from '../support/kms.ts'

/** Puts rows back as they were, behind the library's back and the tree's. */
async function putBack(db: Database, table: string, rows: readonly Row[]): Promise<void> {
  const now = new Map((await db.rows(table)).map((row) => [JSON.stringify([row['id'], row['version']]), row]))
  await db.connect().transact('default', async (tx) => {
    for (const row of rows) {
      const stored = now.get(JSON.stringify([row['id'], row['version']]))
      await tx.replace(table, row, stored?.['rev'] as number)
    }
  })
}

interface Destroyed extends World {
  readonly ciphertext: Buffer
  readonly before: { readonly keys: readonly Row[]; readonly versions: readonly Row[] }
}

/** A key that was destroyed, and its rows as a backup of the database has them. */
async function destroyed(): Promise<Destroyed> {
  const world = await makeWorld()
  const { kms, clock, db } = world
  await kms.keys.create({ name: 'k', spec: 'AES_256' })
  const { ciphertext } = await kms.encrypt({ key: 'k', plaintext: 'x' })
  const before = { keys: await db.rows('keys'), versions: await db.rows('versions') }
  await kms.keys.scheduleDeletion({ key: 'k', pendingWindowInDays: 7 })
  clock.advance(7 * day)
  expect((await kms.scheduler.runDue()).done).toMatchObject([{ job: 'destroy' }])
  return { ...world, ciphertext, before }
}

async function attempts(kms: Kms, ciphertext: Buffer): Promise<readonly string[]> {
  return [
    await outcomeOf(kms.decrypt({ ciphertext })),
    await outcomeOf(kms.decrypt({ ciphertext, allowRevoked: true, reason: 'r' })),
    await outcomeOf(kms.encrypt({ key: 'k', plaintext: 'x' })),
    await outcomeOf(kms.keys.rotate({ key: 'k' })),
    await outcomeOf(kms.keys.enable({ key: 'k' })),
    await outcomeOf(kms.keys.cancelDeletion({ key: 'k' })),
  ]
}

describe('C51 material that was destroyed', () => {
  test('and is put back from a backup of its row alone stays out of reach: the key is destroyed', async () => {
    const { db, again, before, ciphertext } = await destroyed()
    await putBack(db, 'versions', before.versions)
    const outcomes = await attempts(await again(), ciphertext)
    expect(new Set(outcomes)).toEqual(new Set(['STORAGE_TAMPERED', 'INVALID_KEY_STATE']))
  })

  test('and is put back with its key is found out, whatever is asked of it', async () => {
    const { db, again, before, ciphertext } = await destroyed()
    await putBack(db, 'versions', before.versions)
    await putBack(db, 'keys', before.keys)
    const later = await again()
    expect(new Set(await attempts(later, ciphertext))).toEqual(new Set(['STORAGE_TAMPERED']))
    expect((await later.ops.health()).status).toBe('red')
  })

  test('of a version that was trimmed, and is put back, is found out', async () => {
    const { kms, clock, db, again } = await makeWorld()
    await kms.keys.create({ name: 'k', spec: 'AES_256' })
    const { ciphertext } = await kms.encrypt({ key: 'k', plaintext: 'x' })
    const rows = await db.rows('versions')
    await kms.keys.rotate({ key: 'k' })
    clock.advance(7 * day)
    await kms.keys.update({ key: 'k', minDecryptVersion: 2 })
    expect((await kms.keys.trim({ key: 'k' })).destroyed).toEqual([1])
    await kms.keys.update({ key: 'k', minDecryptVersion: 1 })
    expect(await outcomeOf(kms.decrypt({ ciphertext }))).toBe('INVALID_KEY_STATE')
    await putBack(db, 'versions', rows)
    expect(await outcomeOf((await again()).decrypt({ ciphertext }))).toBe('STORAGE_TAMPERED')
  })
})
