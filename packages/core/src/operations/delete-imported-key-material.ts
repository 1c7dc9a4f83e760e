import { z } from 'zod'
import { settleKey } from '../keys/due.ts'
import { removeMaterial } from '../keys/imports.ts'
import type { ChangeOperation } from '../runtime.ts'
import { markOf, keyStateFields, type KeyStateRequest } from './shared/key-state.ts'
import { describeKeyRow, type KeyDescription } from './shared/keys.ts'
import { requireExternal } from './shared/wrappings.ts'

/** A key, or a version of it, whose imported material is to be deleted. */
export interface DeleteImportedKeyMaterialRequest extends KeyStateRequest {
  /** The version. @defaultValue the current one, without which the key is `PendingImport` */
  readonly version?: number | undefined
}

const schema = z.strictObject(keyStateFields)

/** Deletes imported material. It can be imported again by whoever kept it. */
export const deleteImportedKeyMaterial: ChangeOperation<
  DeleteImportedKeyMaterialRequest,
  z.output<typeof schema>,
  KeyDescription
> = {
  action: 'deleteImportedKeyMaterial',
  effect: 'change',
  schema,
  perform: async (request, change) => {
    const key = await change.key('deleteImportedKeyMaterial', request.key)
    requireExternal(key)
    const mark = markOf(change, request)
    const removal = { version: request.version ?? key.currentVersion, mark }
    const removed = await removeMaterial(change.set, { key, keyring: change.keyring }, removal)
    change.subject(removed)
    await settleKey(change.set, removed)
    return describeKeyRow(removed)
  },
}
