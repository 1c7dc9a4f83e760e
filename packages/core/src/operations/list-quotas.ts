import { z } from 'zod'
import { decodeQuotas } from '../access/quota.ts'
import type { Page, UseOperation } from '../runtime.ts'
import { decodeCursor, defaultPageLimit, pageFields, pageOf, type PageRequest } from './shared/pages.ts'
import { describeQuotaRow, type QuotaDescription } from './shared/quotas.ts'

const schema = z.strictObject(pageFields)

/** Lists quotas, by operation and name. */
export const listQuotas: UseOperation<PageRequest, z.output<typeof schema>, Page<QuotaDescription>> = {
  action: 'listQuotas',
  effect: 'read',
  schema,
  perform: async (request, walk) => {
    await walk.authorize('listQuotas')
    const limit = request.limit ?? defaultPageLimit
    const after = decodeCursor(request.cursor, ['string', 'string'])
    const rows = await walk.snapshot(async (reader, { tenant }) =>
      reader.range('quotas', { prefix: [tenant], after, limit: limit + 1 }),
    )
    const place = (row: { operation: string; name: string }): string[] => [row.operation, row.name]
    return pageOf(decodeQuotas(rows), limit, { item: describeQuotaRow, place })
  },
}
