import { late, storageErrors } from '../audit/live-view.ts'
import { within } from '../internal/patience.ts'
import type { Keyring } from '../keys/keyring.ts'
import type { Settings } from '../options.ts'
import { readKeyringRows } from './foundation.ts'
import { requireStated } from '../keys/epoch-statement.ts'
import { openKeyring } from './keyring-row.ts'

/** What learning an epoch takes. */
export interface LearningParts {
  readonly settings: Settings
  readonly tenant: string
  readonly keyring: Keyring
  /** The public keys of the house's log that are known, which say whose epochs these are. */
  readonly publicKeys: () => readonly Buffer[]
}

/**
 * Takes over keyring epochs that were begun since a tenant was opened here: asks the root key, once for all who wait.
 *
 * @throws RootKeyUnavailableError, RootKeyMismatchError, StorageTamperedError, StorageUnavailableError
 */
export function epochLearner(parts: LearningParts): () => Promise<void> {
  let running: Promise<void> | undefined
  return async () => {
    running ??= learn(parts).finally(() => {
      running = undefined
    })
    return running
  }
}

async function learn({ settings, tenant, keyring, publicKeys }: LearningParts): Promise<void> {
  const read = settings.storage.snapshot(async (reader) => readKeyringRows(reader, tenant))
  const stored = await within(settings, storageErrors(read), late)
  const fresh = stored.keyring.filter(({ epoch }) => !keyring.epochs.has(epoch))
  if (fresh.length === 0) return
  // Opened aside, so that an epoch that nobody stands for never becomes the newest here.
  const aside = keyring.aside()
  await openKeyring(aside, { ...stored, keyring: fresh }, settings)
  requireStated(aside, { ...stored, keyring: fresh }, publicKeys())
  keyring.epochs.takeOver(aside.epochs)
}
