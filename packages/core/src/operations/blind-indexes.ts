import { z } from 'zod'
import { wipe } from '../internal/bytes.ts'
import type { UseOperation } from '../runtime.ts'
import { blindIndexFields, indexBy, indexTarget, normalized } from './shared/blind-indexes.ts'
import type { BlindIndexRequest, BlindIndexResult } from './shared/blind-indexes.ts'

/** The blind indexes of a value. */
export interface BlindIndexesResult {
  /** One for each version of the key that can still be used, the newest first: at most 100. */
  readonly indexes: readonly BlindIndexResult[]
}

const schema = z.strictObject(blindIndexFields)

/** Makes the blind indexes of a value by every usable version of a key: those to look it up by. */
export const blindIndexes: UseOperation<BlindIndexRequest, z.output<typeof schema>, BlindIndexesResult> = {
  action: 'blindIndex',
  effect: 'use',
  schema,
  perform: async (request, walk) => {
    const materials = await walk.materials(indexTarget(request, 'process'))
    walk.note({ versions: materials.length })
    const value = normalized(request)
    try {
      return { indexes: materials.map((material) => indexBy(material, request, value)) }
    } finally {
      wipe(value)
    }
  },
}
