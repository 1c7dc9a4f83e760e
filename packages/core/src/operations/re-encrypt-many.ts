import { z } from 'zod'
import type { ManyItem, UseOperation } from '../runtime.ts'
import { itemsOf, reference } from './shared/fields.ts'
import { reEncryptFields, type ReEncryptRequest, type ReEncryptResult } from './shared/messages.ts'
import { reEncryptMessage } from './shared/sealing.ts'

/** One message of many. */
export interface ReEncryptItem extends ReEncryptRequest {
  /** What the caller calls it: given back with its result. */
  readonly reference?: string | undefined
}

/** Many messages. */
export interface ReEncryptManyRequest {
  /** At most 1,000. */
  readonly items: readonly ReEncryptItem[]
}

/** What became of each message, in the order of the request. */
export interface ReEncryptManyResult {
  /** One for each item of the request. */
  readonly items: readonly ManyItem<ReEncryptResult>[]
}

const schema = z.strictObject({
  items: itemsOf(z.strictObject({ ...reEncryptFields, reference: reference.optional() })),
})

/** Re-encrypts many messages, each on its own: one may fail without the others. */
export const reEncryptMany: UseOperation<ReEncryptManyRequest, z.output<typeof schema>, ReEncryptManyResult> = {
  action: 'reEncrypt',
  effect: 'use',
  schema,
  perform: async (request, walk) => ({
    items: await walk.each(request.items, (item) => reEncryptMessage(walk, item)),
  }),
}
