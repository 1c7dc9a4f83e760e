import type { z } from 'zod'
import { wipe } from '../internal/bytes.ts'
import type { UseOperation } from '../runtime.ts'
import { generateDataKeySchema, makeDataKey, type GenerateDataKeyRequest } from './shared/data-keys.ts'
import type { EncryptResult } from './shared/messages.ts'

/** Makes a data key that only its holder's `decryptDataKey` will see. */
export const generateDataKeyWithoutPlaintext: UseOperation<
  GenerateDataKeyRequest,
  z.output<typeof generateDataKeySchema>,
  EncryptResult
> = {
  action: 'generateDataKeyWithoutPlaintext',
  effect: 'use',
  schema: generateDataKeySchema,
  perform: async (request, walk) => {
    const { plaintext, ...sealed } = await makeDataKey(walk, 'generateDataKeyWithoutPlaintext', request)
    wipe(plaintext)
    return sealed
  },
}
