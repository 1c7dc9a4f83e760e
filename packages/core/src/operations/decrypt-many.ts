import { z } from 'zod'
import type { ManyItem, UseOperation } from '../runtime.ts'
import { itemsOf, reference } from './shared/fields.ts'
import { decryptFields, type DecryptRequest, type DecryptResult } from './shared/messages.ts'
import { decryptMessage } from './shared/sealing.ts'

/** One message of many. */
export interface DecryptItem extends DecryptRequest {
  /** What the caller calls it: given back with its result. */
  readonly reference?: string | undefined
}

/** Many messages. */
export interface DecryptManyRequest {
  /** At most 1,000. */
  readonly items: readonly DecryptItem[]
}

/** What became of each message, in the order of the request. */
export interface DecryptManyResult {
  /** One for each item of the request. */
  readonly items: readonly ManyItem<DecryptResult>[]
}

const schema = z.strictObject({ items: itemsOf(z.strictObject({ ...decryptFields, reference: reference.optional() })) })

/** Decrypts many messages, each on its own: one may fail without the others. */
export const decryptMany: UseOperation<DecryptManyRequest, z.output<typeof schema>, DecryptManyResult> = {
  action: 'decrypt',
  effect: 'use',
  schema,
  perform: async (request, walk) => ({
    items: await walk.each(request.items, (item) => decryptMessage(walk, item)),
  }),
}
