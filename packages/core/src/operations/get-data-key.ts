import { z } from 'zod'
import { emptyContext } from '../envelope/context.ts'
import { invalidCiphertext } from '../envelope/open.ts'
import { headerOfStored, openStored } from '../envelope/stored-data-key.ts'
import { asBuffer } from '../internal/bytes.ts'
import { dataKeyById, dataKeyVersion } from '../keys/data-keys.ts'
import type { UseOperation, Walk } from '../runtime.ts'
import type { Material } from '../stages.ts'
import type { DataKeyRow, DataKeyState } from '../state/rows.ts'
import { reason } from './shared/fields.ts'
import { contextHashOf, dataKeyIdOf, dataKeyReferenceFields, noDataKey } from './shared/named-data-keys.ts'
import { tamperedDataKey, type DataKeyReference } from './shared/named-data-keys.ts'
import { requireSecret, rescue } from './shared/opening.ts'

/** A named data key to get. */
export interface GetDataKeyRequest extends DataKeyReference {
  /** Which version. @defaultValue the one in use */
  readonly version?: number | undefined
  /** For an admin: get data away from a revoked key or version. Needs a reason, which is recorded. @defaultValue false */
  readonly allowRevoked?: boolean | undefined
  /** Why, where `allowRevoked` is set. */
  readonly reason?: string | undefined
}

/** A named data key in clear. */
export interface GetDataKeyResult {
  /** The key itself. Use it, then `fill(0)` it. */
  readonly plaintext: Buffer
  /** The keyed hash of its reference. */
  readonly id: string
  /** Which version it is. */
  readonly version: number
  /** Whether new data may be protected with it. */
  readonly state: DataKeyState
  /** The version in use: a higher number than `version` says that this one is deprecated. */
  readonly currentVersion: number
  /** The key that protects it. */
  readonly keyId: string
  /** The version of that. */
  readonly keyVersion: number
}

const schema = z.strictObject({
  ...dataKeyReferenceFields,
  version: z.int().min(1).max(0xffff_ffff).optional(),
  allowRevoked: z.boolean().optional(),
  reason: reason.optional(),
})
type Parsed = z.output<typeof schema>

/** Gives a named data key in clear. */
export const getDataKey: UseOperation<GetDataKeyRequest, Parsed, GetDataKeyResult> = {
  action: 'getDataKey',
  effect: 'use',
  schema,
  perform: async (request, walk) => {
    const { context = emptyContext } = request
    const id = dataKeyIdOf(walk.names, request.reference)
    walk.note({ dataKey: id })
    const row = await walk.row(dataKeyById(id))
    if (row === undefined) {
      await walk.authorize('getDataKey')
      throw noDataKey()
    }
    const number = request.version ?? row.currentVersion
    const version = await walk.row(dataKeyVersion(id, number))
    if (version === undefined) return missingVersion(walk, row, request)
    walk.note({ version: number })
    const sealed = asBuffer(version.sealed)
    const material = await materialOf(walk, { row, sealed, request })
    if (row.context !== contextHashOf(walk.names, id, context)) throw invalidCiphertext('another encryption context')
    const plaintext = openStored(material, { id, version: number, context }, sealed)
    if (plaintext === undefined) throw tamperedDataKey('it is of another data key or version, or was changed')
    const { keyId, keyVersion } = material
    return {
      plaintext,
      id,
      version: number,
      state: version.state,
      currentVersion: row.currentVersion,
      keyId,
      keyVersion,
    }
  },
}

/** Claims the key version that a stored data key is sealed under. */
async function materialOf(walk: Walk, { row, sealed, request }: Stored): Promise<Material> {
  const { context = emptyContext, allowRevoked } = request
  if (allowRevoked === true) rescue(walk, request)
  const opens = { by: headerOfStored(sealed), isKeyNamed: false }
  const use = { usage: 'ENCRYPT_DECRYPT', need: 'process', opens, missing: tamperedDataKey } as const
  return requireSecret(await walk.material({ action: 'getDataKey', key: row.keyId, ...use, context, allowRevoked }))
}

interface Stored {
  readonly row: DataKeyRow
  readonly sealed: Buffer
  readonly request: Parsed
}

/** Only whoever may have the data key is told that a version of it is not there. */
async function missingVersion(
  walk: Walk,
  row: DataKeyRow,
  { version, context = emptyContext }: Parsed,
): Promise<never> {
  const use = { usage: 'ENCRYPT_DECRYPT', need: 'describe', context } as const
  await walk.material({ action: 'getDataKey', key: row.keyId, ...use })
  throw version === undefined ? tamperedDataKey('the version in use is missing') : noDataKey()
}
