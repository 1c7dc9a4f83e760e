import { InvalidRequestError, type NamedPrincipal, type Principal, type Role } from '@chatelaine/core'
import type { Authenticate } from './options.ts'

/** Which headers say who asks. */
export interface TrustedHeadersOptions {
  /** The header with the principal's id. */
  readonly principal: string
  /** The header with its role. @defaultValue none: everybody is a service */
  readonly role?: string | undefined
  /** Must be `true`: said out loud, because it is what these headers mean. There is no other protection. */
  readonly whoeverReachesThisServerMaySetThem: true
}

/**
 * Believes headers, for a server that nothing can reach but a proxy which authenticates, sets these headers, and takes
 * away those that came from outside. Anybody else who reaches the server is whoever they say they are.
 *
 * @throws InvalidRequestError
 */
export function trustedHeaders(options: TrustedHeadersOptions): Authenticate {
  const { principal, role, whoeverReachesThisServerMaySetThem: isSaid } = options
  if (isSaid !== true || typeof principal !== 'string' || principal === '') {
    throw new InvalidRequestError(
      'trustedHeaders takes the name of a header, and whoeverReachesThisServerMaySetThem: true',
    )
  }
  return (request): Principal | undefined => {
    const id = request.headers.get(principal)
    if (id === null || role === undefined) return id ?? undefined
    const named = request.headers.get(role)
    return named === null ? undefined : ({ id, role: named as Role } satisfies NamedPrincipal)
  }
}
