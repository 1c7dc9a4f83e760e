import type { z } from 'zod'
import type { UseOperation } from '../runtime.ts'
import { dataKeyPairSchema, makeDataKeyPair } from './shared/data-key-pairs.ts'
import type { GenerateDataKeyPairRequest, GenerateDataKeyPairResult } from './shared/data-key-pairs.ts'

/** Makes a key pair whose private half is given in clear and encrypted. */
export const generateDataKeyPair: UseOperation<
  GenerateDataKeyPairRequest,
  z.output<typeof dataKeyPairSchema>,
  GenerateDataKeyPairResult
> = {
  action: 'generateDataKeyPair',
  effect: 'use',
  schema: dataKeyPairSchema,
  perform: async (request, walk) => makeDataKeyPair(walk, 'generateDataKeyPair', request),
}
