import { z } from 'zod'
import type { ManyItem, UseOperation } from '../runtime.ts'
import { itemsOf, reference } from './shared/fields.ts'
import { verifyFields, verifySignature, type VerifyRequest, type VerifyResult } from './shared/signing.ts'

/** One signature of many. */
export interface VerifyItem extends VerifyRequest {
  /** What the caller calls it: given back with its result. */
  readonly reference?: string | undefined
}

/** Many signatures. */
export interface VerifyManyRequest {
  /** At most 1,000. */
  readonly items: readonly VerifyItem[]
}

/** What became of each signature, in the order of the request. */
export interface VerifyManyResult {
  /** One for each item of the request. One that is not valid is `{ ok: true, valid: false }`. */
  readonly items: readonly ManyItem<VerifyResult>[]
}

const schema = z.strictObject({ items: itemsOf(z.strictObject({ ...verifyFields, reference: reference.optional() })) })

/** Verifies many signatures, each on its own: one may fail without the others. */
export const verifyMany: UseOperation<VerifyManyRequest, z.output<typeof schema>, VerifyManyResult> = {
  action: 'verify',
  effect: 'use',
  schema,
  perform: async (request, walk) => {
    const items = await walk.each(request.items, async (item) => verifySignature(walk, item))
    walk.note({ invalid: items.filter((item) => item.ok && !item.valid).length })
    return { items }
  },
}
