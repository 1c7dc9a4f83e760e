import { StorageTamperedError, TenantNotFoundError } from '../errors.ts'
import { pause } from '../internal/clock.ts'
import { within } from '../internal/patience.ts'
import type { KeyringState } from '../keys/keyring-store.ts'
import type { Settings } from '../options.ts'
import type { KeyringEpochRow, KeyringRow } from '../state/keyring-rows.ts'
import { rowsAs } from '../state/rows.ts'
import type { StorageReader, StorageTransaction } from '../storage/adapter.ts'
import { isStorageConflict, storageFailureOf } from '../storage/errors.ts'
import type { Row } from '../storage/table.ts'
import { tables } from '../storage/tables.ts'
import { late, storageErrors } from '../audit/live-view.ts'
import { genesisRows } from './genesis.ts'

/** What a tenant stands on, as it is stored. */
export interface Foundation extends KeyringState {
  readonly secrets: readonly Row[]
  readonly genesis: Row | undefined
  /** The checkpoint that was signed with it. */
  readonly checkpoint: Row | undefined
}

/** Reads what a tenant stands on; `undefined` where there is no such tenant. @throws StorageTamperedError */
export async function readFoundation(reader: StorageReader, tenant: string): Promise<Foundation | undefined> {
  const all = { prefix: [tenant], limit: 1000 }
  const rows = await readKeyringRows(reader, tenant)
  if (rows.keyring.length > 0) {
    const [genesis, checkpoint] = [
      await reader.get('records', [tenant, 0]),
      await reader.get('checkpoints', [tenant, 1]),
    ]
    return { ...rows, secrets: await reader.range('secrets', all), genesis, checkpoint }
  }
  for (const { name } of tables) {
    const [row] = await reader.range(name, { prefix: [tenant], limit: 1 })
    if (row !== undefined) throw new StorageTamperedError(`the tenant has rows in ${name} but no keyring`)
  }
  return undefined
}

/** What is stored of a tenant's keyring. */
export async function readKeyringRows(reader: StorageReader, tenant: string): Promise<KeyringState> {
  const all = { prefix: [tenant], limit: 1000 }
  return {
    keyring: rowsAs<KeyringRow>(await reader.range('keyring', all)),
    wraps: rowsAs<KeyringRow>(await reader.range('keyring_wraps', all)),
    epochs: rowsAs<KeyringEpochRow>(await reader.range('keyring_epochs', all)),
  }
}

/**
 * Finds what a tenant stands on, or lays it. Several processes may do so at once: one transaction of inserts wins, and
 * whoever meets its conflict throws its own keys away unused. A crash leaves either nothing or all of it.
 *
 * @throws TenantNotFoundError, StorageTamperedError, StorageUnavailableError
 */
export async function layFoundation(tenant: string, settings: Settings, make: boolean): Promise<Foundation> {
  const { clock, timers, deadlineMs } = settings
  const deadline = clock.monotonic() + deadlineMs
  for (let tries = 0; ; tries++) {
    const found = await findFoundation(tenant, settings)
    if (found !== undefined) return found
    if (!make) throw new TenantNotFoundError('there is no such tenant')
    const error = await insertAll(tenant, settings, await genesisRows(tenant, settings))
    if (!isWorthAnother(error) || clock.monotonic() > deadline) return raised(error ?? late())
    if (tries > 0) await pause(timers, 5)
  }
}

/** The keyring of whatever tenant there is, so that a root key can be proved before another tenant is made. */
export async function anyKeyring(settings: Settings): Promise<KeyringState> {
  const snapshot = settings.storage.snapshot(async (reader) => {
    const [row] = await reader.range('keyring', { prefix: [], limit: 1 })
    if (row === undefined) return { keyring: [], wraps: [], epochs: [] }
    return readKeyringRows(reader, row['tenant'] as string)
  })
  return within(settings, storageErrors(snapshot), late)
}

/** Reads what a tenant stands on, within the deadline. */
export async function findFoundation(tenant: string, settings: Settings): Promise<Foundation | undefined> {
  const snapshot = settings.storage.snapshot(async (reader) => readFoundation(reader, tenant))
  return within(settings, storageErrors(snapshot), late)
}

/** Laid, or met with a conflict, it is there to be read; after a failure for a moment it is tried again. */
function isWorthAnother(error: unknown): boolean {
  return error === undefined || isStorageConflict(error) || storageFailureOf(error)?.transient === true
}

/** Inserts everything in one transaction, and says what prevented it. */
async function insertAll(
  tenant: string,
  settings: Settings,
  rows: readonly (readonly [string, Row])[],
): Promise<unknown> {
  const giveUp = new AbortController()
  const insert = async (tx: StorageTransaction): Promise<void> => {
    for (const [table, row] of rows) await tx.insert(table, row)
  }
  try {
    const done = settings.storage.transact(tenant, insert, { signal: giveUp.signal })
    await within(settings, done, late)
    return undefined
  } catch (error) {
    giveUp.abort()
    return error
  }
}

async function raised(error: unknown): Promise<never> {
  return storageErrors(Promise.reject(error as Error))
}
