import path from 'node:path'
import { createKms, localRootKey, type EncryptionKey, type Kms } from '@chatelaine/core'
import { sqliteStorage } from '@chatelaine/storage-sqlite'
import type { Customers } from './customers.ts'
import type { Report } from './report.ts'

/** Everything that the steps work with. */
export interface House {
  readonly report: Report
  readonly customers: Customers
  readonly folder: string
  /** Base64. Only a demonstration prints one. */
  readonly rootKey: string
  readonly database: string
  readonly kms: Kms
  readonly key: EncryptionKey
}

/** Opens the key management service, and the key of the table. Both calls are for every start of an application. */
export async function openHouse(given: Pick<House, 'report' | 'customers' | 'folder' | 'rootKey'>): Promise<House> {
  const database = path.join(given.folder, 'kms.db')
  return given.report.step('open', async (say) => {
    const kms = await createKms({ storage: sqliteStorage(database), rootKey: localRootKey(given.rootKey) })
    const key = await kms.keys.ensure({ name: 'customers', spec: 'AES_256' })
    say(`SQLite database made, root key checked, key "${key.name}" ready`)
    return { ...given, database, kms, key }
  })
}
