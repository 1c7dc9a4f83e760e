import { z } from 'zod'
import type { Page, UseOperation } from '../runtime.ts'
import { decodeVersions } from '../state/decode.ts'
import { keyReference } from './shared/fields.ts'
import { describeVersionRow, type KeyVersionDescription } from './shared/keys.ts'
import { decodeCursor, defaultPageLimit, pageFields, pageOf, type PageRequest } from './shared/pages.ts'

/** A key whose versions to list. */
export interface ListKeyVersionsRequest extends PageRequest {
  /** The key: id or name. */
  readonly key: string
}

const schema = z.strictObject({ key: keyReference, ...pageFields })

/** Lists a key's versions, oldest first. */
export const listKeyVersions: UseOperation<
  ListKeyVersionsRequest,
  z.output<typeof schema>,
  Page<KeyVersionDescription>
> = {
  action: 'describeKey',
  effect: 'read',
  schema,
  perform: async (request, walk) => {
    const key = await walk.key('describeKey', request.key)
    const limit = request.limit ?? defaultPageLimit
    const after = decodeCursor(request.cursor, ['number'])
    const rows = await walk.snapshot(async (reader, { tenant }) =>
      reader.range('versions', { prefix: [tenant, key.id], after, limit: limit + 1 }),
    )
    return pageOf(decodeVersions(rows), limit, {
      item: (row) => describeVersionRow(key, row),
      place: (row) => [row.version],
    })
  },
}
