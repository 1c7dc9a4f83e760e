import { z } from 'zod'
import { promoteWraps, retireWraps, stageWraps } from '../keys/keyring-store.ts'
import type { Wrap } from '../keys/keyring-store.ts'
import type { EpochStatement } from '../keys/epoch-statement.ts'
import type { ChangeOperation, ChangeWalk } from '../runtime.ts'
import { provider, statement, wrap } from './shared/keyring.ts'

/** One step of the rotation of a root key. */
export type RotateRootKeyRequest =
  | { readonly step: 'stage'; readonly provider: string; readonly wraps: readonly Wrap[] }
  | { readonly step: 'promote'; readonly provider: string; readonly statements: readonly EpochStatement[] }
  | { readonly step: 'retire'; readonly provider: string }

const schema = z.discriminatedUnion('step', [
  z.strictObject({ step: z.literal('stage'), provider, wraps: z.array(wrap).max(100) }),
  z.strictObject({ step: z.literal('promote'), provider, statements: z.array(statement).max(100) }),
  z.strictObject({ step: z.literal('retire'), provider }),
])

/**
 * Wraps the keyring by another root key: beside the one in use, then in its place, then alone. A crash between two steps
 * leaves a keyring that both open; the next rotation to the same root key goes on from there.
 */
export const rotateRootKey: ChangeOperation<RotateRootKeyRequest, z.output<typeof schema>, undefined> = {
  action: 'rotateRootKey',
  effect: 'change',
  schema,
  perform: async (request, change) => {
    change.note({ step: request.step, to: request.provider })
    await change.authorize('rotateRootKey')
    await take(request, change)
    return undefined
  },
}

async function take(request: z.output<typeof schema>, { set, now }: ChangeWalk): Promise<void> {
  if (request.step === 'stage') await stageWraps(set, request.wraps, now)
  else if (request.step === 'promote') await promoteWraps(set, { ...request, now })
  else await retireWraps(set, request.provider)
}
