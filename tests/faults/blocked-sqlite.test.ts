import { createKms, generateRootKey, isKmsError, localRootKey } from '@chatelaine/core'
import { sqliteStorage } from '@chatelaine/storage-sqlite'
import Database from 'better-sqlite3'
import path from 'node:path'
import { expect, test, vi } from 'vitest'
import { allRecords } from '../support/outcomes.ts'
import { scratchFolder } from '../support/sqlite-file.ts'

test('E72 a SQLite file that somebody else holds: no result, no blocked loop, and on again when it is free', async () => {
  const warning = vi.spyOn(process, 'emitWarning').mockReturnValue()
  const file = path.join(scratchFolder(), 'kms.db')
  const rootKey = localRootKey(generateRootKey())
  const kms = await createKms({ storage: sqliteStorage(file), rootKey, deadlineMs: 200 })
  await kms.keys.create({ name: 'orders', spec: 'AES_256' })
  await kms.encrypt({ key: 'orders', plaintext: 'x' })
  const holder = new Database(file)
  holder.exec('begin immediate')

  const began = performance.now()
  let turns = 0
  const counting = setInterval(() => (turns += 1), 5)
  const asked = [
    kms.encrypt({ key: 'orders', plaintext: 'x' }, { requestId: 'use' }),
    kms.keys.rotate({ key: 'orders' }, { requestId: 'change' }),
    kms.keys.list({}, { requestId: 'list' }),
  ]
  const settled = await Promise.allSettled(asked)
  clearInterval(counting)
  for (const result of settled) {
    expect(result.status === 'rejected' && isKmsError(result.reason, 'AUDIT_UNAVAILABLE')).toBe(true)
  }
  expect(performance.now() - began).toBeGreaterThanOrEqual(199)
  expect(turns).toBeGreaterThan(5)
  expect(await kms.audit.verify()).toMatchObject({ ok: true, recorded: false })
  expect(await kms.ops.health()).toMatchObject({ status: 'red', recorded: false })

  holder.exec('rollback')
  holder.close()
  expect((await kms.encrypt({ key: 'orders', plaintext: 'x' })).keyVersion).toBe(1)
  const recorded = (await allRecords(kms)).map(({ requestId }) => requestId).filter((id) => id !== undefined)
  expect(recorded).toEqual([])
  expect(await kms.audit.verify()).toMatchObject({ ok: true, recorded: true })
  await kms.close()
  warning.mockRestore()
})
