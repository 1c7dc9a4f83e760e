import { z } from 'zod'
import { randomBytesOf } from '../crypto/randomness.ts'
import { emptyContext } from '../envelope/context.ts'
import { invalidCiphertext } from '../envelope/open.ts'
import { sealStored } from '../envelope/stored-data-key.ts'
import { wipe } from '../internal/bytes.ts'
import { dataKeyById, nextDataKeyVersion, rotateDataKey as rotate } from '../keys/data-keys.ts'
import type { ChangeOperation } from '../runtime.ts'
import { requireSecret } from './shared/opening.ts'
import {
  contextHashOf,
  dataKeyIdOf,
  dataKeyReferenceFields,
  describeDataKeyRow,
  noDataKey,
  type DataKeyDescription,
  type DataKeyReference,
} from './shared/named-data-keys.ts'

/** A named data key to rotate. */
export interface RotateDataKeyRequest extends DataKeyReference {}

const schema = z.strictObject(dataKeyReferenceFields)

/** Puts fresh bytes into use under the same name, and deprecates those before, which can still be got by version. */
export const rotateDataKey: ChangeOperation<RotateDataKeyRequest, z.output<typeof schema>, DataKeyDescription> = {
  action: 'rotateDataKey',
  effect: 'change',
  schema,
  perform: async (request, change) => {
    const { context = emptyContext } = request
    const id = dataKeyIdOf(change.names, request.reference)
    change.note({ dataKey: id })
    const row = await change.set.read(dataKeyById(id))
    if (row === undefined) {
      await change.authorize('rotateDataKey')
      throw noDataKey()
    }
    const use = { usage: 'ENCRYPT_DECRYPT', need: 'protect', context } as const
    const material = requireSecret(await change.use({ action: 'rotateDataKey', key: row.keyId, ...use }))
    if (row.context !== contextHashOf(change.names, id, context)) throw invalidCiphertext('another encryption context')
    const version = nextDataKeyVersion(row)
    const { random, now, actor } = change
    const plaintext = randomBytesOf(random, row.numberOfBytes)
    const sealed = sealStored(material, { id, version, context }, { plaintext, random })
    wipe(plaintext)
    change.note({ version })
    return describeDataKeyRow(await rotate(change.set, row, { version, sealed, actor: actor.id, now }))
  },
}
