import { StorageTamperedError, TenantNotFoundError } from '../errors.ts'
import { pause } from '../internal/clock.ts'
import type { Settings } from '../options.ts'
import type { StorageReader } from '../storage/adapter.ts'
import { isStorageConflict, storageFailureOf } from '../storage/errors.ts'
import type { Row } from '../storage/table.ts'
import { storageErrors } from '../audit/live-view.ts'
import { genesisRows } from './genesis.ts'

/** What a tenant stands on, as it is stored. */
export interface Foundation {
  readonly keyring: readonly Row[]
  readonly secrets: readonly Row[]
  readonly genesis: Row | undefined
}

/** Reads what a tenant stands on; `undefined` where there is no such tenant. @throws StorageTamperedError */
export async function readFoundation(reader: StorageReader, tenant: string): Promise<Foundation | undefined> {
  const all = { prefix: [tenant], limit: 1000 }
  const keyring = await reader.range('keyring', all)
  if (keyring.length > 0) {
    return { keyring, secrets: await reader.range('secrets', all), genesis: await reader.get('records', [tenant, 0]) }
  }
  for (const table of ['heads', 'records', 'keys', 'secrets', 'grants']) {
    const [row] = await reader.range(table, { prefix: [tenant], limit: 1 })
    if (row !== undefined) throw new StorageTamperedError(`the tenant has rows in ${table} but no keyring`)
  }
  return undefined
}

/**
 * Finds what a tenant stands on, or lays it. Several processes may do so at once: one transaction of inserts wins, and
 * whoever meets its conflict throws its own keys away unused. A crash leaves either nothing or all of it.
 *
 * @throws TenantNotFoundError, StorageTamperedError, StorageUnavailableError
 */
export async function layFoundation(tenant: string, settings: Settings, make: boolean): Promise<Foundation> {
  const { storage, clock, timers, deadlineMs } = settings
  const deadline = clock.monotonic() + deadlineMs
  for (;;) {
    const found = await storageErrors(storage.snapshot(async (reader) => readFoundation(reader, tenant)))
    if (found !== undefined) return found
    if (!make) throw new TenantNotFoundError('there is no such tenant')
    const rows = await genesisRows(tenant, settings)
    try {
      await storage.transact(tenant, async (tx) => {
        for (const [table, row] of rows) await tx.insert(table, row)
      })
    } catch (error) {
      const again = isStorageConflict(error) || storageFailureOf(error)?.transient === true
      if (!again || clock.monotonic() > deadline) await storageErrors(Promise.reject(error as Error))
      await pause(timers, 5)
    }
  }
}
