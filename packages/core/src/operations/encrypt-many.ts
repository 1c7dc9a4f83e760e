import { z } from 'zod'
import type { ManyItem, UseOperation } from '../runtime.ts'
import { itemsOf, reference } from './shared/fields.ts'
import { encryptFields, type EncryptRequest, type EncryptResult } from './shared/messages.ts'
import { encryptMessage } from './shared/sealing.ts'

/** One message of many. */
export interface EncryptItem extends EncryptRequest {
  /** What the caller calls it: given back with its result. */
  readonly reference?: string | undefined
}

/** Many messages. */
export interface EncryptManyRequest {
  /** At most 1,000. */
  readonly items: readonly EncryptItem[]
}

/** What became of each message, in the order of the request. */
export interface EncryptManyResult {
  /** One for each item of the request. */
  readonly items: readonly ManyItem<EncryptResult>[]
}

const schema = z.strictObject({ items: itemsOf(z.strictObject({ ...encryptFields, reference: reference.optional() })) })

/** Encrypts many messages, each on its own: one may fail without the others. */
export const encryptMany: UseOperation<EncryptManyRequest, z.output<typeof schema>, EncryptManyResult> = {
  action: 'encrypt',
  effect: 'use',
  schema,
  perform: async (request, walk) => ({
    items: await walk.each(request.items, (item) => encryptMessage(walk, item)),
  }),
}
