import { z } from 'zod'
import { decodeGrant } from '../access/grant.ts'
import type { Page, UseOperation } from '../runtime.ts'
import { decodeGrants } from '../state/decode.ts'
import type { GrantRow } from '../state/rows.ts'
import type { Range } from '../storage/table.ts'
import { keyOrAll, principalId } from './shared/fields.ts'
import { describeGrant, type GrantDescription } from './shared/grants.ts'
import { decodeCursor, defaultPageLimit, pageFields, pageOf, type PageRequest } from './shared/pages.ts'

/** Which grants to list. */
export interface ListGrantsRequest extends PageRequest {
  /** Only those on this key: id or name; `*` for those on all keys. A service must name one. */
  readonly key?: string | undefined
  /** Only those of this principal. */
  readonly principal?: string | undefined
}

const schema = z.strictObject({ key: keyOrAll.optional(), principal: principalId.optional(), ...pageFields })

/** Lists grants. */
export const listGrants: UseOperation<ListGrantsRequest, z.output<typeof schema>, Page<GrantDescription>> = {
  action: 'listGrants',
  effect: 'read',
  schema,
  perform: async (request, walk) => {
    const { key, principal } = request
    const keyId = key === undefined || key === '*' ? key : (await walk.key('listGrants', key)).id
    if (keyId === undefined || keyId === '*') await walk.authorize('listGrants')
    const limit = request.limit ?? defaultPageLimit
    const after = decodeCursor(request.cursor, ['string', 'string', 'string'])
    const rows = await walk.snapshot(async (reader, { tenant }) =>
      reader.range('grants', {
        ...rangeOf(tenant, keyId, principal),
        ...placeIn(after, keyId, principal),
        limit: limit + 1,
      }),
    )
    const place = (row: GrantRow): string[] => [row.principal, row.keyId, row.id]
    return pageOf(decodeGrants(rows), limit, { item: (row) => describeGrant(decodeGrant(row)), place })
  },
}

/** The shortest way to the grants: a principal's, a key's, or all. */
function rangeOf(tenant: string, keyId: string | undefined, principal: string | undefined): Omit<Range, 'limit'> {
  if (principal !== undefined) return { prefix: keyId === undefined ? [tenant, principal] : [tenant, principal, keyId] }
  return keyId === undefined ? { prefix: [tenant] } : { index: 'by_grant_key', prefix: [tenant, keyId] }
}

type Place = readonly (string | number)[] | undefined

/** The part of a place that the range leaves open: the key's index is completed by principal and id. */
function placeIn(place: Place, keyId: string | undefined, principal: string | undefined): { after?: Place } {
  if (place === undefined) return {}
  const [ofPrincipal, ofKey, ofId] = place as [string, string, string]
  if (principal !== undefined) return { after: keyId === undefined ? [ofKey, ofId] : [ofId] }
  return { after: keyId === undefined ? [ofPrincipal, ofKey, ofId] : [ofPrincipal, ofId] }
}
