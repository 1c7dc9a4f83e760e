import { z } from 'zod'
import { putQuota } from '../access/quota.ts'
import type { ChangeOperation } from '../runtime.ts'
import { defaultQuotaName, describeQuotaRow, quotaFields } from './shared/quotas.ts'
import type { QuotaDescription, QuotaRequest } from './shared/quotas.ts'

const schema = z.strictObject(quotaFields)

/** Makes a quota, or changes it: for everybody at once. */
export const setQuota: ChangeOperation<QuotaRequest, z.output<typeof schema>, QuotaDescription> = {
  action: 'setQuota',
  effect: 'change',
  schema,
  perform: async ({ name = defaultQuotaName, operation, per, limit, windowSeconds }, change) => {
    await change.authorize('setQuota')
    change.note({ quota: name, operation, per, limit, windowSeconds })
    const row = { operation, name, per, most: limit, windowSeconds }
    return describeQuotaRow(await putQuota(change.set, { row, actor: change.actor.id, now: change.now }))
  },
}
