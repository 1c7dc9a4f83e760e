// A process that re-encrypts a table from its checkpoint on, until it is done or killed.
import { createKms, localRootKey } from '@chatelaine/core'
import { sqliteStorage } from '@chatelaine/storage-sqlite'
import { CustomerTable } from './table.ts'

/** What the worker is told, as one JSON text on its command line. */
export interface WorkerPlan {
  readonly kms: string
  readonly table: string
  readonly rootKey: string
  readonly batch: number
}

if (import.meta.main) {
  const plan = JSON.parse(process.argv[2] ?? '') as WorkerPlan
  const kms = await createKms({ storage: sqliteStorage(plan.kms), rootKey: localRootKey(plan.rootKey) })
  const table = new CustomerTable(plan.table)
  const { failed } = await kms.key('customers').reEncryptAll(table.source(table.cursor), {
    batch: plan.batch,
    write: (rows) => table.write(rows),
    checkpoint: (cursor) => {
      table.cursor = cursor
    },
    onProgress: ({ cursor }) => void process.send?.(cursor),
  })
  table.close()
  await kms.close()
  process.disconnect?.()
  process.exitCode = failed === 0 ? 0 : 1
}
