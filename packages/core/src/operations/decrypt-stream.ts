import { z } from 'zod'
import { emptyContext } from '../envelope/context.ts'
import { longestHead } from '../envelope/header.ts'
import { openStream } from '../envelope/open-stream.ts'
import type { StreamOperation } from '../streaming.ts'
import { decryptDataKeyFields as openingFields, type DecryptRequest } from './shared/messages.ts'
import { openSealedFor } from './shared/opening.ts'

/** A stream to decrypt. */
export interface DecryptStreamRequest extends Omit<DecryptRequest, 'ciphertext' | 'algorithm'> {}

const { ciphertext: _ciphertext, ...fields } = openingFields
const schema = z.strictObject(fields)

/** Decrypts a message that comes piece by piece: the inverse of `encryptStream`, and of `encrypt` in both envelopes. */
export const decryptStream: StreamOperation<DecryptStreamRequest, z.output<typeof schema>> = {
  action: 'decrypt',
  effect: 'stream',
  schema,
  headBytes: longestHead,
  open: async (request, walk, head) => {
    const { material, suite } = await openSealedFor(walk, { ...request, ciphertext: head, size: undefined })
    const { context = emptyContext, allowRevoked } = request
    const claim = {
      action: 'decrypt',
      usage: 'ENCRYPT_DECRYPT',
      key: material.keyId,
      version: material.keyVersion,
      need: 'process',
      context,
      allowRevoked,
    } as const
    return { claims: [claim], message: 'bytesOut', cipher: openStream(material, { message: head, suite, context }) }
  },
}
