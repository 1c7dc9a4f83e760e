import type { z } from 'zod'
import { wipe } from '../internal/bytes.ts'
import type { UseOperation } from '../runtime.ts'
import { dataKeyPairSchema, makeDataKeyPair } from './shared/data-key-pairs.ts'
import type { GenerateDataKeyPairRequest, GenerateDataKeyPairWithoutPlaintextResult } from './shared/data-key-pairs.ts'

/** Makes a key pair whose private half only whoever may `decryptDataKey` will see. */
export const generateDataKeyPairWithoutPlaintext: UseOperation<
  GenerateDataKeyPairRequest,
  z.output<typeof dataKeyPairSchema>,
  GenerateDataKeyPairWithoutPlaintextResult
> = {
  action: 'generateDataKeyPairWithoutPlaintext',
  effect: 'use',
  schema: dataKeyPairSchema,
  perform: async (request, walk) => {
    const { plaintext, ...sealed } = await makeDataKeyPair(walk, 'generateDataKeyPairWithoutPlaintext', request)
    wipe(plaintext)
    return sealed
  },
}
