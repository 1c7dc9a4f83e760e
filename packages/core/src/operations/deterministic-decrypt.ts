import { z } from 'zod'
import { emptyContext } from '../envelope/context.ts'
import { deterministicOverhead, openDeterministic, parseDeterministicHeader } from '../envelope/deterministic.ts'
import { invalidCiphertext } from '../envelope/open.ts'
import type { UseOperation } from '../runtime.ts'
import { decryptDataKeyFields, type DecryptDataKeyRequest, type DecryptResult } from './shared/messages.ts'
import { requireSecret, rescue } from './shared/opening.ts'

/** A deterministically encrypted value to decrypt. */
export interface DeterministicDecryptRequest extends DecryptDataKeyRequest {}

const schema = z.strictObject(decryptDataKeyFields)

/** Decrypts a value with the key version that it names: the inverse of `deterministicEncrypt`. */
export const deterministicDecrypt: UseOperation<DeterministicDecryptRequest, z.output<typeof schema>, DecryptResult> = {
  action: 'deterministicDecrypt',
  effect: 'use',
  schema,
  perform: async (request, walk) => {
    const { ciphertext, context = emptyContext, allowRevoked } = request
    const by = parseDeterministicHeader(ciphertext)
    if (by === undefined) throw invalidCiphertext('not a CS1 message')
    if (allowRevoked === true) rescue(walk, request)
    const material = requireSecret(
      await walk.material({
        action: 'deterministicDecrypt',
        key: request.key ?? by.keyId,
        opens: { by, isKeyNamed: request.key !== undefined },
        version: request.keyVersion,
        usage: 'ENCRYPT_DECRYPT',
        isDeterministic: true,
        need: 'process',
        context,
        bytes: ciphertext.length - deterministicOverhead,
        allowRevoked,
        missing: invalidCiphertext,
      }),
    )
    const plaintext = openDeterministic(material, ciphertext, context)
    return { plaintext, keyId: material.keyId, keyVersion: material.keyVersion }
  },
}
