import { z } from 'zod'
import type { Page, UseOperation } from '../runtime.ts'
import type { AliasRow } from '../state/lifecycle-rows.ts'
import { rowsAs } from '../state/rows.ts'
import { describeAliasRow, type AliasDescription } from './shared/aliases.ts'
import { keyReference } from './shared/fields.ts'
import { decodeCursor, defaultPageLimit, pageFields, pageOf, type PageRequest } from './shared/pages.ts'

/** Which aliases to list. */
export interface ListAliasesRequest extends PageRequest {
  /** Only those of this key: id, name or alias. A service must name one that it may describe. */
  readonly key?: string | undefined
}

const schema = z.strictObject({ key: keyReference.optional(), ...pageFields })

/** Lists aliases in the order of their names. */
export const listAliases: UseOperation<ListAliasesRequest, z.output<typeof schema>, Page<AliasDescription>> = {
  action: 'listAliases',
  effect: 'read',
  schema,
  perform: async (request, walk) => {
    const keyId = request.key === undefined ? undefined : (await walk.key('describeKey', request.key)).id
    if (keyId === undefined) await walk.authorize('listAliases')
    const limit = request.limit ?? defaultPageLimit
    const after = decodeCursor(request.cursor, ['string'])
    const rows = await walk.snapshot(async (reader, { tenant }) => {
      const of = keyId === undefined ? { prefix: [tenant] } : { index: 'by_alias_key', prefix: [tenant, keyId] }
      return reader.range('aliases', { ...of, after, limit: limit + 1 })
    })
    return pageOf(rowsAs<AliasRow>(rows), limit, { item: describeAliasRow, place: (row) => [row.alias] })
  },
}
