import { z } from 'zod'
import type { EpochStatement } from '../keys/epoch-statement.ts'
import { beginEpoch, type Wrap } from '../keys/keyring-store.ts'
import type { ChangeOperation } from '../runtime.ts'
import { statement, wrap } from './shared/keyring.ts'

/** A new keyring epoch: its key as each root key wrapped it, the one in use first. */
export interface BeginKeyringEpochRequest {
  readonly statement: EpochStatement
  readonly wraps: readonly Wrap[]
}

const schema = z.strictObject({ statement, wraps: z.array(wrap).min(1).max(50) })

/** Begins a keyring epoch. From the next batch of this process on, what is new is wrapped under it. */
export const beginKeyringEpoch: ChangeOperation<BeginKeyringEpochRequest, z.output<typeof schema>, undefined> = {
  action: 'beginKeyringEpoch',
  effect: 'change',
  schema,
  perform: async ({ statement: said, wraps }, change) => {
    change.note({ epoch: said.epoch, under: said.madeUnder })
    await change.authorize('beginKeyringEpoch')
    await beginEpoch(change.set, { statement: said, wraps, now: change.now })
    return undefined
  },
}
