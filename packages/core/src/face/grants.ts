import { createGrant } from '../operations/create-grant.ts'
import { ensureGrant, type EnsureGrantRequest } from '../operations/ensure-grant.ts'
import { listGrants, type ListGrantsRequest } from '../operations/list-grants.ts'
import { revokeGrant, type RevokeGrantRequest } from '../operations/revoke-grant.ts'
import type { CreateGrantRequest, GrantDescription } from '../operations/shared/grants.ts'
import { upsertGrant, type UpsertGrantRequest } from '../operations/upsert-grant.ts'
import type { CallOptions } from '../call.ts'
import type { Listing } from './listing.ts'
import { listing, type Run } from './run.ts'

/** Who may do what with which key: `kms.grants`. */
export class Grants {
  readonly #run: Run

  /** @internal */
  constructor(run: Run) {
    this.#run = run
  }

  /**
   * Lets a principal do operations on a key.
   *
   * @throws AccessDeniedError also when a service grants what it does not hold itself.
   * @throws NameTakenError, KeyNotFoundError, InvalidKeyStateError, LimitExceededError
   */
  async create(request: CreateGrantRequest, options?: CallOptions): Promise<GrantDescription> {
    return this.#run(createGrant, request, options)
  }

  /** The grant of a name, or a new one: for code that runs at every start. @throws ConflictError when it says something else. */
  async ensure(request: EnsureGrantRequest, options?: CallOptions): Promise<GrantDescription> {
    return this.#run(ensureGrant, request, options)
  }

  /** Makes this the one grant without a name that the principal has on the key. */
  async upsert(request: UpsertGrantRequest, options?: CallOptions): Promise<GrantDescription> {
    return this.#run(upsertGrant, request, options)
  }

  /** Grants of a key, of a principal, or all. */
  list(request: ListGrantsRequest = {}, options?: CallOptions): Listing<GrantDescription> {
    return listing(this.#run, listGrants, { request, options })
  }

  /** Takes a grant back, at once and in every process. @throws ConflictError when there is none. */
  async revoke(request: RevokeGrantRequest, options?: CallOptions): Promise<GrantDescription> {
    return this.#run(revokeGrant, request, options)
  }
}
