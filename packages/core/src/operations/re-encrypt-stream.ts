import { z } from 'zod'
import { emptyContext } from '../envelope/context.ts'
import { longestHead } from '../envelope/header.ts'
import { MovedStream } from '../envelope/moved-stream.ts'
import type { StreamOperation } from '../streaming.ts'
import { reEncryptFields, type ReEncryptRequest } from './shared/messages.ts'
import { reEncryptMessage, requireWrapped } from './shared/sealing.ts'

/** A stream to put under another key, the current version of its own, or another context. */
export interface ReEncryptStreamRequest extends Omit<ReEncryptRequest, 'ciphertext'> {}

const { ciphertext: _ciphertext, ...fields } = reEncryptFields
const schema = z.strictObject(fields)

/** Re-encrypts a message that comes piece by piece: another beginning, and the rest as it is. */
export const reEncryptStream: StreamOperation<ReEncryptStreamRequest, z.output<typeof schema>> = {
  action: 'reEncrypt',
  effect: 'stream',
  schema,
  headBytes: longestHead,
  open: async (request, walk, head) => {
    requireWrapped(head)
    const beginning = { ...request, ciphertext: head, size: undefined }
    const { ciphertext, sourceKeyId, sourceKeyVersion, keyId, keyVersion } = await reEncryptMessage(walk, beginning)
    const { context = emptyContext, newContext = context, allowRevoked } = request
    const use = { usage: 'ENCRYPT_DECRYPT', need: 'process' } as const
    const source = { ...use, key: sourceKeyId, version: sourceKeyVersion, context, allowRevoked }
    // A rotation meanwhile does not stop it, as it does not stop `encryptStream`.
    const target = { ...use, key: keyId, version: keyVersion, context: newContext, finishes: true } as const
    const claims = [
      { action: 'reEncryptFrom', ...source },
      { action: 'reEncryptTo', ...target },
    ]
    return { claims, message: undefined, cipher: new MovedStream(ciphertext) }
  },
}
