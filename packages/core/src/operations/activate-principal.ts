import type { z } from 'zod'
import type { ChangeOperation } from '../runtime.ts'
import { mark, principalSchema, type PrincipalDescription, type PrincipalRequest } from './shared/principals.ts'

/** Lets a principal be what the host says of it again: the inverse of `deactivatePrincipal`. */
export const activatePrincipal: ChangeOperation<
  PrincipalRequest,
  z.output<typeof principalSchema>,
  PrincipalDescription
> = {
  action: 'activatePrincipal',
  effect: 'change',
  schema: principalSchema,
  perform: async (request, change) => mark(change, request, true),
}
