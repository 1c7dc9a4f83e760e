import type { z } from 'zod'
import type { ChangeOperation } from '../runtime.ts'
import { mark, principalSchema, type PrincipalDescription, type PrincipalRequest } from './shared/principals.ts'

/** Refuses a principal everything from now on, whatever the host says of it. */
export const deactivatePrincipal: ChangeOperation<
  PrincipalRequest,
  z.output<typeof principalSchema>,
  PrincipalDescription
> = {
  action: 'deactivatePrincipal',
  effect: 'change',
  schema: principalSchema,
  perform: async (request, change) => mark(change, request, false),
}
