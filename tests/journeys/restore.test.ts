import { createKms, generateRootKey, localRootKey } from '@chatelaine/core'
import type { Kms, KmsOptions } from '@chatelaine/core'
import { sqliteStorage } from '@chatelaine/storage-sqlite'
import Database from 'better-sqlite3'
import { copyFileSync, rmSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { codeOf } from '../support/outcomes.ts'
import { scratchFolder, tamper } from '../support/sqlite-file.ts'

/** A KMS that has given `billing` a grant, a backup of it, and what happened since: the grant was revoked. */
async function backedUp() {
  const folder = scratchFolder()
  const [file, copy] = [path.join(folder, 'kms.db'), path.join(folder, 'backup.db')]
  const rootKey = localRootKey(generateRootKey())
  const open = async (where = file, options: Partial<KmsOptions> = {}): Promise<Kms> => {
    const kms = await createKms({ storage: sqliteStorage(where), rootKey, ...options })
    onTestFinished(() => kms.close())
    return kms
  }
  const kms = await open()
  await kms.keys.create({ name: 'orders', spec: 'AES_256' })
  const { ciphertext } = await kms.encrypt({ key: 'orders', plaintext: 'before' })
  const grant = await kms.grants.create({ principal: 'billing', key: 'orders', operations: ['decrypt'] })
  tamper(file, `vacuum into '${copy}'`)
  await kms.grants.revoke({ grant: grant.id })
  const later = await kms.encrypt({ key: 'orders', plaintext: 'after' })
  return { file, copy, open, kms, ciphertext, later: later.ciphertext }
}

describe('a backup that was made by VACUUM INTO while the KMS ran', () => {
  test('opens, verifies, and has everything up to its moment and nothing after it', async () => {
    const { copy, open, kms, ciphertext, later } = await backedUp()
    // A copy elsewhere has no mark: whoever opens it says that this is meant.
    expect(await codeOf(open(copy))).toBe('ROLLBACK_DETECTED')
    const restored = await open(copy, { acceptRollback: { reason: 'restored from the backup' } })
    expect((await restored.decrypt({ ciphertext })).plaintext.toString()).toBe('before')
    // A key that was there opens what it sealed later. The record of it is gone, and so is the revocation.
    expect((await restored.decrypt({ ciphertext: later })).plaintext.toString()).toBe('after')
    expect((await restored.as('billing').decrypt({ ciphertext })).plaintext.toString()).toBe('before')
    const [before, after] = [await kms.audit.verify(), await restored.audit.verify()]
    expect([before.ok, after.ok]).toEqual([true, true])
    expect(after.records).not.toBe(before.records)
    expect(after.head).not.toBe(before.head)
  })

  test('is refused by a process that has seen what came after it', async () => {
    const { file, copy, kms, ciphertext } = await backedUp()
    const live = new Database(file)
    live.exec(`attach '${copy}' as backup`)
    const names = live.prepare("select name from sqlite_schema where type = 'table' and name like 'chatelaine%'")
    live.transaction(() => {
      for (const name of names.pluck().all()) {
        live.exec(
          `delete from main."${String(name)}"; insert into main."${String(name)}" select * from backup."${String(name)}"`,
        )
      }
    })()
    live.close()
    expect(await codeOf(kms.decrypt({ ciphertext }))).toBe('ROLLBACK_DETECTED')
    expect(await codeOf(kms.encrypt({ key: 'orders', plaintext: 'x' }))).toBe('ROLLBACK_DETECTED')
  })

  test('E81 in the place of the database it is refused, until somebody accepts it, on record', async () => {
    const { file, copy, open, kms, ciphertext } = await backedUp()
    await kms.close()
    for (const rest of ['-wal', '-shm']) rmSync(`${file}${rest}`, { force: true })
    copyFileSync(copy, file)
    expect(await codeOf(open())).toBe('ROLLBACK_DETECTED')
    const restored = await open(file, { acceptRollback: { reason: 'the disk failed' } })
    expect((await restored.decrypt({ ciphertext })).plaintext.toString()).toBe('before')
    const [accepted] = (await restored.audit.list()).items.filter(({ action }) => action === 'acceptRollback')
    expect(accepted).toMatchObject({ actor: 'owner', details: { why: 'the disk failed', markSize: 6 } })
    await restored.close()
    await (await open()).close()
  })

  test('E81 copied file by file without its log it lacks what was committed last, and is refused', async () => {
    const { file, copy, open } = await backedUp()
    copyFileSync(file, copy)
    copyFileSync(`${file}.mark`, `${copy}.mark`)
    expect(await codeOf(open(copy))).toBe('ROLLBACK_DETECTED')
  })
})
