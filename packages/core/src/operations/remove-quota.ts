import { z } from 'zod'
import { removeQuota as remove } from '../access/quota.ts'
import { ConflictError } from '../errors.ts'
import type { ChangeOperation } from '../runtime.ts'
import { defaultQuotaName, describeQuotaRow, quotaPlaceFields, type QuotaDescription } from './shared/quotas.ts'
import type { QuotaRequest } from './shared/quotas.ts'

/** A quota to take away. */
export type RemoveQuotaRequest = Pick<QuotaRequest, 'name' | 'operation'>

const schema = z.strictObject(quotaPlaceFields)

/** Takes a quota away. */
export const removeQuota: ChangeOperation<RemoveQuotaRequest, z.output<typeof schema>, QuotaDescription> = {
  action: 'removeQuota',
  effect: 'change',
  schema,
  perform: async ({ name = defaultQuotaName, operation }, change) => {
    await change.authorize('removeQuota')
    change.note({ quota: name, operation })
    const removed = await remove(change.set, operation, name)
    if (removed === undefined) throw new ConflictError('there is no such quota')
    return describeQuotaRow(removed)
  },
}
