import { z } from 'zod'
import { emptyContext } from '../envelope/context.ts'
import { open } from '../envelope/open.ts'
import type { UseOperation } from '../runtime.ts'
import { decryptDataKeyFields, type DecryptDataKeyRequest, type DecryptResult } from './shared/messages.ts'
import { openFor, requireSealed } from './shared/opening.ts'

const schema = z.strictObject(decryptDataKeyFields)

/** Decrypts a data key: the inverse of `generateDataKey`. It opens nothing else, and nothing else opens data keys. */
export const decryptDataKey: UseOperation<DecryptDataKeyRequest, z.output<typeof schema>, DecryptResult> = {
  action: 'decryptDataKey',
  effect: 'use',
  schema,
  perform: async (request, walk) => {
    const how = { action: 'decryptDataKey', opens: ['dataKey', 'privateKey'] } as const
    const { material, suite } = requireSealed(await openFor(walk, how, request))
    const sealed = { message: request.ciphertext, suite, context: request.context ?? emptyContext }
    const plaintext = await open(material, sealed, walk.tools.timers)
    return { plaintext, keyId: material.keyId, keyVersion: material.keyVersion }
  },
}
