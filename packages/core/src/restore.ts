import { InvalidRequestError } from './errors.ts'
import { requireObject } from './face/text.ts'
import { House } from './house/house.ts'
import { restore, type Restored } from './house/backup/restore.ts'
import { Kms } from './kms.ts'
import { leaveOutVersions } from './operations/leave-out.ts'
import { readOptions, type KmsOptions } from './options.ts'
import type { RootKey } from './root-key/root-key.ts'

/** What is restored, and into what. */
export interface RestoreOptions extends KmsOptions {
  /** The archive, such as a file's stream. */
  readonly archive: AsyncIterable<Uint8Array> | Iterable<Uint8Array>
  /** The root key that the archive was made for. */
  readonly recoveryKey: RootKey
}

/**
 * Opens a key management service from an archive of {@link Kms.backup}, in a storage that has nothing of its tenant.
 *
 * Everything is written in one transaction, and verified before that is committed: the archive, which does not open with
 * one bit changed, its signature, the keyring, the root of the state over all rows, and the whole log. Then the tenant
 * hangs on `rootKey`: where it did not before, that is a rotation like any other. What was left out of the archive, the
 * private halves of keys that sign, is destroyed, and their keys are disabled. Where that fails, or the process dies before
 * it is done, the storage has a tenant that still hangs on its former root key: empty it, and restore again.
 *
 * @throws InvalidCiphertextError for an archive that is damaged, cut short, or none
 * @throws ConflictError where the storage has rows of the tenant; InvalidRequestError for an archive of another tenant
 * @throws RootKeyMismatchError, RootKeyUnavailableError, RootKeyMissingError, StorageTamperedError, StorageUnavailableError
 * @example
 * ```ts
 * import { createReadStream } from 'node:fs'
 * import { envRootKey, fileRootKey, restoreKms, type Kms } from '@chatelaine/core'
 * import { sqliteStorage } from '@chatelaine/storage-sqlite'
 *
 * const recover = async (): Promise<Kms> =>
 *   restoreKms({
 *     archive: createReadStream('kms.backup'),
 *     recoveryKey: fileRootKey('/mnt/escrow/recovery.key'),
 *     storage: sqliteStorage('restored.db'),
 *     rootKey: envRootKey('KMS_ROOT_KEY'),
 *   })
 * ```
 */
export async function restoreKms(options: RestoreOptions): Promise<Kms> {
  const { archive, recoveryKey, ...rest } = requireObject(options, 'options')
  if (typeof recoveryKey?.unwrap !== 'function') throw new InvalidRequestError('recoveryKey is not a root key')
  // A log that was restored goes back behind any mark, and the archive proves itself: that is accepted, on record.
  const acceptRollback = rest.acceptRollback ?? { reason: 'restored from a backup' }
  const settings = readOptions({ ...rest, acceptRollback })
  const house = new House(settings)
  let restored: Restored | undefined
  const tenant = await house.begin(async () => {
    restored = await restore(settings, { archive, recoveryKey })
    settings.rootKeys.push(restored.rootKey)
  })
  const kms = new Kms(house, tenant, true)
  try {
    const { rootKey, withheld } = restored as unknown as Restored
    for (let from = 0; from < withheld.length; from += 40) {
      const versions = withheld.slice(from, from + 40)
      await tenant.pipeline.run(leaveOutVersions, { versions }, { actor: settings.actor, options: undefined })
    }
    await kms.rootKey.rotate({ retire: true })
    settings.rootKeys.splice(settings.rootKeys.indexOf(rootKey), 1)
    return kms
  } catch (error) {
    await kms.close().catch(() => undefined)
    throw error
  }
}
