import { z } from 'zod'
import type { Page, UseOperation } from '../runtime.ts'
import { decodeDataKeys } from '../state/decode.ts'
import type { DataKeyRow } from '../state/rows.ts'
import { keyReference } from './shared/fields.ts'
import { describeDataKeyRow, type DataKeyDescription } from './shared/named-data-keys.ts'
import { decodeCursor, defaultPageLimit, pageFields, pageOf, type PageRequest } from './shared/pages.ts'

/** Which named data keys to list. */
export interface ListDataKeysRequest extends PageRequest {
  /** Only those that this key protects: id or name. A service must name one, unless it was granted the list on `*`. */
  readonly key?: string | undefined
}

const schema = z.strictObject({ key: keyReference.optional(), ...pageFields })

/** Lists named data keys in the order of their ids: what is known of them, neither bytes nor names. */
export const listDataKeys: UseOperation<ListDataKeysRequest, z.output<typeof schema>, Page<DataKeyDescription>> = {
  action: 'listDataKeys',
  effect: 'read',
  schema,
  perform: async (request, walk) => {
    const keyId = request.key === undefined ? undefined : (await walk.key('listDataKeys', request.key)).id
    if (keyId === undefined) await walk.authorize('listDataKeys')
    const limit = request.limit ?? defaultPageLimit
    const after = decodeCursor(request.cursor, ['string'])
    const rows = await walk.snapshot(async (reader, { tenant }) => {
      const of = keyId === undefined ? { prefix: [tenant] } : { index: 'by_key', prefix: [tenant, keyId] }
      return decodeDataKeys(await reader.range('data_keys', { ...of, after, limit: limit + 1 }))
    })
    return pageOf(rows, limit, { item: describeDataKeyRow, place: (row: DataKeyRow) => [row.id] })
  },
}
