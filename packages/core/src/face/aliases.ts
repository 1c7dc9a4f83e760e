import { createAlias, type CreateAliasRequest } from '../operations/create-alias.ts'
import { deleteAlias, type DeleteAliasRequest } from '../operations/delete-alias.ts'
import { listAliases, type ListAliasesRequest } from '../operations/list-aliases.ts'
import type { AliasDescription } from '../operations/shared/aliases.ts'
import { updateAlias, type UpdateAliasRequest } from '../operations/update-alias.ts'
import type { CallOptions } from '../call.ts'
import type { Listing } from './listing.ts'
import { listing, type Run } from './run.ts'

/**
 * Further names of keys: `kms.aliases`. Whatever takes a key takes an alias, and finds the key by one read.
 *
 * @example
 * ```ts
 * import { createKms, generateRootKey, localRootKey } from '@chatelaine/core'
 * import { memoryStorage } from '@chatelaine/storage-memory'
 *
 * const kms = await createKms({ storage: memoryStorage(), rootKey: localRootKey(generateRootKey()) })
 * await kms.keys.create({ name: 'orders-2026', spec: 'AES_256' })
 * await kms.keys.create({ name: 'orders-2027', spec: 'AES_256' })
 * await kms.aliases.create({ alias: 'orders', key: 'orders-2026' })
 * await kms.aliases.retarget({ alias: 'orders', key: 'orders-2027' })
 * await kms.close()
 * ```
 */
export class Aliases {
  readonly #run: Run

  /** @internal */
  constructor(run: Run) {
    this.#run = run
  }

  /**
   * Gives a key a further name. Needs `updateKey` on the key.
   *
   * @throws NameTakenError when a key or another alias has the name.
   * @throws KeyNotFoundError, InvalidKeyStateError, LimitExceededError for more than 100 aliases of one key
   */
  async create(request: CreateAliasRequest, options?: CallOptions): Promise<AliasDescription> {
    return this.#run(createAlias, request, options)
  }

  /**
   * Lets an alias name another key of the same usage, at once and in every process. Needs `updateKey` on both keys. What
   * was encrypted under the old key names that key itself, so it opens as before.
   *
   * @throws KeyNotFoundError, InvalidKeyStateError, InvalidKeyUsageError, LimitExceededError
   */
  async retarget(request: UpdateAliasRequest, options?: CallOptions): Promise<AliasDescription> {
    return this.#run(updateAlias, request, options)
  }

  /** Takes an alias away; its key stays. Needs `updateKey` on the key. @throws KeyNotFoundError when there is none. */
  async delete(request: DeleteAliasRequest, options?: CallOptions): Promise<AliasDescription> {
    return this.#run(deleteAlias, request, options)
  }

  /** Aliases of a key, or all of them, in the order of their names. */
  list(request: ListAliasesRequest = {}, options?: CallOptions): Listing<AliasDescription> {
    return listing(this.#run, listAliases, { request, options })
  }
}
