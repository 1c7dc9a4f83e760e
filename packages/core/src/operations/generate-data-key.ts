import type { z } from 'zod'
import type { UseOperation } from '../runtime.ts'
import { generateDataKeySchema, makeDataKey } from './shared/data-keys.ts'
import type { GenerateDataKeyRequest, GenerateDataKeyResult } from './shared/data-keys.ts'

/** Makes a data key, in clear and encrypted. */
export const generateDataKey: UseOperation<
  GenerateDataKeyRequest,
  z.output<typeof generateDataKeySchema>,
  GenerateDataKeyResult
> = {
  action: 'generateDataKey',
  effect: 'use',
  schema: generateDataKeySchema,
  perform: async (request, walk) => makeDataKey(walk, 'generateDataKey', request),
}
