import { z } from 'zod'
import { wipe } from '../internal/bytes.ts'
import type { UseOperation } from '../runtime.ts'
import { blindIndexFields, indexBy, indexTarget, normalized } from './shared/blind-indexes.ts'
import type { BlindIndexRequest, BlindIndexResult } from './shared/blind-indexes.ts'

const schema = z.strictObject(blindIndexFields)

/** Makes the blind index of a value by the current version of a key: the one to store. */
export const blindIndex: UseOperation<BlindIndexRequest, z.output<typeof schema>, BlindIndexResult> = {
  action: 'blindIndex',
  effect: 'use',
  schema,
  perform: async (request, walk) => {
    const material = await walk.material(indexTarget(request, 'protect'))
    const value = normalized(request)
    try {
      return indexBy(material, request, value)
    } finally {
      wipe(value)
    }
  },
}
