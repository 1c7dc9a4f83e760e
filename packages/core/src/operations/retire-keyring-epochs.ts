import { z } from 'zod'
import { retireEpochs } from '../keys/keyring-store.ts'
import type { ChangeOperation } from '../runtime.ts'
import { epochs } from './shared/keyring.ts'

/** Keyring epochs under which nothing is left. */
export interface RetireKeyringEpochsRequest {
  readonly epochs: readonly number[]
}

const schema = z.strictObject({ epochs })

/** Removes keyring epochs, with every wrapping of their keys. */
export const retireKeyringEpochs: ChangeOperation<RetireKeyringEpochsRequest, z.output<typeof schema>, undefined> = {
  action: 'retireKeyringEpochs',
  effect: 'change',
  schema,
  perform: async (request, change) => {
    change.note({ epochs: request.epochs.join(' ') })
    await change.authorize('retireKeyringEpochs')
    await retireEpochs(change.set, request.epochs)
    return undefined
  },
}
