import { z } from 'zod'
import { randomBytesOf } from '../crypto/randomness.ts'
import { emptyContext } from '../envelope/context.ts'
import { sealStored } from '../envelope/stored-data-key.ts'
import { wipe } from '../internal/bytes.ts'
import { addDataKey } from '../keys/data-keys.ts'
import type { ChangeOperation, ChangeWalk } from '../runtime.ts'
import type { DataKeyRow } from '../state/rows.ts'
import { dataKeyFields, dataKeyLength, isOnePlan, onePlan, type GenerateDataKeyRequest } from './shared/data-keys.ts'
import { contextHashOf, dataKeyIdOf, dataKeyReferenceFields, describeDataKeyRow } from './shared/named-data-keys.ts'
import type { DataKeyDescription } from './shared/named-data-keys.ts'
import { requireSecret } from './shared/opening.ts'

/** A named data key to make and keep. */
export interface CreateDataKeyRequest extends GenerateDataKeyRequest {
  /** Its name, unique in the tenant: 1 to 256 of `A-Z a-z 0-9 / _ . -`. Never stored, only a keyed hash of it. */
  readonly reference: string
}

const schema = z.strictObject({ ...dataKeyFields, ...dataKeyReferenceFields }).refine(isOnePlan, onePlan)
type Parsed = z.output<typeof schema>

/** Makes a data key and keeps it under a name. Its bytes are for whoever may `getDataKey`. */
export const createDataKey: ChangeOperation<CreateDataKeyRequest, Parsed, DataKeyDescription> = {
  action: 'createDataKey',
  effect: 'change',
  schema,
  perform: async (request, change) => {
    const { key, context = emptyContext } = request
    const id = dataKeyIdOf(change.names, request.reference)
    change.note({ dataKey: id })
    const target = { action: 'createDataKey', key, usage: 'ENCRYPT_DECRYPT', need: 'protect', context } as const
    const material = requireSecret(await change.use(target))
    const row = newRow(request, change, { id, keyId: material.keyId })
    const { random, now, actor } = change
    const plaintext = randomBytesOf(random, row.numberOfBytes)
    const sealed = sealStored(material, { id, version: 1, context }, { plaintext, random })
    wipe(plaintext)
    await addDataKey(change.set, row, { version: 1, sealed, actor: actor.id, now })
    return describeDataKeyRow(row)
  },
}

function newRow(request: Parsed, change: ChangeWalk, { id, keyId }: Pick<DataKeyRow, 'id' | 'keyId'>): DataKeyRow {
  const { context = emptyContext } = request
  return {
    tenant: change.tenant,
    id,
    keyId,
    spec: request.numberOfBytes === undefined ? (request.spec ?? 'AES_256') : null,
    numberOfBytes: dataKeyLength(request),
    context: contextHashOf(change.names, id, context),
    currentVersion: 1,
    createdAt: change.now,
    createdBy: change.actor.id,
    rotatedAt: null,
    rev: 1,
  }
}
