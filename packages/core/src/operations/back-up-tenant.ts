import { z } from 'zod'
import type { UseOperation } from '../runtime.ts'
import { provider } from './shared/keyring.ts'

/** A backup that is about to be made. */
export interface BackUpTenantRequest {
  /** The name of the root key that opens it. */
  readonly to: string
  readonly signingKeys: boolean
}

const schema = z.strictObject({ to: provider, signingKeys: z.boolean() })

/** Lets a backup begin. What it shows to whoever has its root key is everything that the tenant protects. */
export const backUpTenant: UseOperation<BackUpTenantRequest, z.output<typeof schema>, undefined> = {
  action: 'backUpTenant',
  effect: 'read',
  schema,
  perform: async (request, walk) => {
    walk.note({ to: request.to, signingKeys: request.signingKeys })
    await walk.authorize('backUpTenant')
    return undefined
  },
}
