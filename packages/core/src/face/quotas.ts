import { listQuotas } from '../operations/list-quotas.ts'
import { removeQuota, type RemoveQuotaRequest } from '../operations/remove-quota.ts'
import { setQuota } from '../operations/set-quota.ts'
import type { PageRequest } from '../operations/shared/pages.ts'
import type { QuotaDescription, QuotaRequest } from '../operations/shared/quotas.ts'
import type { CallOptions } from '../call.ts'
import type { Listing } from './listing.ts'
import { listing, type Run } from './run.ts'

/**
 * How often changes may be made: `kms.quotas`. Stored, and shared by all processes. Admins only; auditors may list.
 *
 * @example
 * ```ts
 * import type { Kms } from '@chatelaine/core'
 *
 * const limit = async (kms: Kms): Promise<void> => {
 *   await kms.quotas.set({ operation: 'createKey', per: 'owner', limit: 5, windowSeconds: 86_400 })
 * }
 * ```
 */
export class Quotas {
  readonly #run: Run

  /** @internal */
  constructor(run: Run) {
    this.#run = run
  }

  /**
   * Makes the quota of a name on an operation, or changes it; what was counted counts on. What is done as often as it
   * may be is `QUOTA_EXCEEDED` for everybody, admins included, and only the scheduler goes on.
   *
   * @throws LimitExceededError for more than 20 quotas on one operation
   */
  async set(request: QuotaRequest, options?: CallOptions): Promise<QuotaDescription> {
    return this.#run(setQuota, request, options)
  }

  /** Takes a quota away. @throws ConflictError when there is none. */
  async remove(request: RemoveQuotaRequest, options?: CallOptions): Promise<QuotaDescription> {
    return this.#run(removeQuota, request, options)
  }

  /** Quotas, by operation and name. */
  list(request: PageRequest = {}, options?: CallOptions): Listing<QuotaDescription> {
    return listing(this.#run, listQuotas, { request, options })
  }
}
