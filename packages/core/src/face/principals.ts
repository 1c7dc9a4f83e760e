import { activatePrincipal } from '../operations/activate-principal.ts'
import { deactivatePrincipal } from '../operations/deactivate-principal.ts'
import type { PrincipalDescription, PrincipalRequest } from '../operations/shared/principals.ts'
import type { CallOptions } from '../call.ts'
import type { Run } from './run.ts'

/** Who is let in at all: `kms.principals`. Admins only. */
export class Principals {
  readonly #run: Run

  /** @internal */
  constructor(run: Run) {
    this.#run = run
  }

  /** Refuses a principal everything, whatever the host says of it. @throws InvalidRequestError when it is the caller itself. */
  async deactivate(request: PrincipalRequest, options?: CallOptions): Promise<PrincipalDescription> {
    return this.#run(deactivatePrincipal, request, options)
  }

  /** Lets a principal be what the host says of it again. */
  async activate(request: PrincipalRequest, options?: CallOptions): Promise<PrincipalDescription> {
    return this.#run(activatePrincipal, request, options)
  }
}
