import { createKms, generateRootKey, localRootKey } from '@chatelaine/core'
import { sqliteStorage } from '@chatelaine/storage-sqlite'
import path from 'node:path'
import { expect, test } from 'vitest'
import { inject, injections } from '../support/injections.ts'
import { rowsOf, scratchFolder } from '../support/sqlite-file.ts'

test('F92 names, tags, contexts, principals, reasons, filters, orders and cursors are values and never SQL, on SQLite', async () => {
  const file = path.join(scratchFolder(), 'kms.db')
  const kms = await createKms({ storage: sqliteStorage(file), rootKey: localRootKey(generateRootKey()) })
  await inject(kms)
  await kms.close()
  const [grants] = rowsOf(file, 'select count(*) as n from chatelaine_grants')
  expect(grants).toEqual({ n: injections.length })
}, 60_000)
