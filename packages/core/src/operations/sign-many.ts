import { z } from 'zod'
import type { ManyItem, UseOperation } from '../runtime.ts'
import { itemsOf, reference } from './shared/fields.ts'
import { signFields, signMessage, type SignRequest, type SignResult } from './shared/signing.ts'

/** One message of many. */
export interface SignItem extends SignRequest {
  /** What the caller calls it: given back with its result. */
  readonly reference?: string | undefined
}

/** Many messages. */
export interface SignManyRequest {
  /** At most 1,000. */
  readonly items: readonly SignItem[]
}

/** What became of each message, in the order of the request. */
export interface SignManyResult {
  /** One for each item of the request. */
  readonly items: readonly ManyItem<SignResult>[]
}

const schema = z.strictObject({ items: itemsOf(z.strictObject({ ...signFields, reference: reference.optional() })) })

/** Signs many messages, each on its own: one may fail without the others. */
export const signMany: UseOperation<SignManyRequest, z.output<typeof schema>, SignManyResult> = {
  action: 'sign',
  effect: 'use',
  schema,
  perform: async (request, walk) => ({
    items: await walk.each(request.items, async (item) => signMessage(walk, item)),
  }),
}
