import { z } from 'zod'
import type { ManyItem, UseOperation } from '../runtime.ts'
import { itemsOf, reference } from './shared/fields.ts'
import { needOf, needsReEncryptFields } from './shared/re-encryption-needs.ts'
import type { NeedsReEncryptRequest, NeedsReEncryptResult } from './shared/re-encryption-needs.ts'

/** One ciphertext of many. */
export interface NeedsReEncryptItem extends NeedsReEncryptRequest {
  /** What the caller calls it: given back with its answer. */
  readonly reference?: string | undefined
}

/** Many ciphertexts to ask about. */
export interface NeedsReEncryptManyRequest {
  /** At most 1,000. */
  readonly items: readonly NeedsReEncryptItem[]
}

/** How each ciphertext stands, in the order of the request. */
export interface NeedsReEncryptManyResult {
  /** One for each item of the request. */
  readonly items: readonly ManyItem<NeedsReEncryptResult>[]
}

const schema = z.strictObject({
  items: itemsOf(z.strictObject({ ...needsReEncryptFields, reference: reference.optional() })),
})

/** Says of many ciphertexts whether they are under the current versions of their keys, or of other keys. */
export const needsReEncryptMany: UseOperation<
  NeedsReEncryptManyRequest,
  z.output<typeof schema>,
  NeedsReEncryptManyResult
> = {
  action: 'describeKey',
  effect: 'read',
  schema,
  perform: async (request, walk) => {
    const items = await walk.each(request.items, async (item) => needOf(walk, item))
    walk.note({ needed: items.filter((item) => item.ok && item.needed).length })
    return { items }
  },
}
