import { z } from 'zod'
import { decodeGrant } from '../access/grant.ts'
import { keyAt } from '../keys/state.ts'
import type { Page, UseOperation, Walk } from '../runtime.ts'
import { decodeGrants, decodeKeys } from '../state/decode.ts'
import type { GrantRow, KeyRow } from '../state/rows.ts'
import type { StorageReader } from '../storage/adapter.ts'
import { describeKeyRow, type KeyDescription } from './shared/keys.ts'
import { decodeCursor, defaultPageLimit, pageFields, pageOf, type PageRequest } from './shared/pages.ts'

const schema = z.strictObject(pageFields)

/** Lists the keys that the caller may describe, in the order of their ids. */
export const listKeys: UseOperation<PageRequest, z.output<typeof schema>, Page<KeyDescription>> = {
  action: 'listKeys',
  effect: 'read',
  schema,
  perform: async (request, walk) => {
    await walk.authorize('listKeys')
    // Which keys a service sees is up to its grants, each of which may be gone by the time that this is recorded.
    if (walk.actor.role === 'service') walk.dependsOnAll()
    const limit = request.limit ?? defaultPageLimit
    const place = decodeCursor(request.cursor, ['string']) as readonly string[] | undefined
    const rows = await walk.snapshot(async (reader, { tenant }) => {
      const all = walk.actor.role !== 'service' || (await seesAll(walk, reader, tenant))
      if (!all) return granted(walk, { reader, tenant, after: place?.[0], limit: limit + 1 })
      return decodeKeys(await reader.range('keys', { prefix: [tenant], after: place, limit: limit + 1 }))
    })
    return pageOf(rows, limit, { item: (row) => describeKeyRow(keyAt(row, walk.now)), place: (row) => [row.id] })
  },
}

async function seesAll(walk: Walk, reader: StorageReader, tenant: string): Promise<boolean> {
  const rows = await reader.range('grants', { prefix: [tenant, walk.actor.id, '*'], limit: 100 })
  return decodeGrants(rows).some((row) => describes(walk, row))
}

/** The keys that a grant names one by one. */
async function granted(walk: Walk, page: GrantedPage): Promise<KeyRow[]> {
  const { reader, tenant, limit } = page
  const found: KeyRow[] = []
  let after: [string, string?] = [page.after ?? '*']
  for (;;) {
    const place = after.filter((value) => value !== undefined)
    const range = { prefix: [tenant, walk.actor.id], after: place, limit }
    const rows = decodeGrants(await reader.range('grants', range))
    for (const row of rows) {
      after = [row.keyId, row.id]
      if (found.at(-1)?.id === row.keyId || !describes(walk, row)) continue
      const key = await reader.get('keys', [tenant, row.keyId])
      if (key !== undefined) found.push(...decodeKeys([key]))
      if (found.length === limit) return found
    }
    if (rows.length < limit) return found
  }
}

interface GrantedPage {
  readonly reader: StorageReader
  readonly tenant: string
  readonly after: string | undefined
  readonly limit: number
}

function describes(walk: Walk, row: GrantRow): boolean {
  const { operations, constraints } = decodeGrant(row)
  const free = Object.keys(constraints).length === 0
  const shows = free && operations.has('describeKey') && walk.now < (row.expiresAt ?? Infinity)
  if (shows && row.expiresAt !== null) walk.endsAt(row.expiresAt)
  return shows
}
