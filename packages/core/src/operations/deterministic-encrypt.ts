import { z } from 'zod'
import { emptyContext } from '../envelope/context.ts'
import { sealDeterministic } from '../envelope/deterministic.ts'
import type { UseOperation } from '../runtime.ts'
import { deterministicFields, type DeterministicEncryptRequest } from './shared/deterministic.ts'
import type { EncryptResult } from './shared/messages.ts'
import { requireSecret } from './shared/opening.ts'

const schema = z.strictObject(deterministicFields)

/** Encrypts a value so that equal ones are equal encrypted, under the current version of a key made for it. */
export const deterministicEncrypt: UseOperation<DeterministicEncryptRequest, z.output<typeof schema>, EncryptResult> = {
  action: 'deterministicEncrypt',
  effect: 'use',
  schema,
  perform: async ({ key, plaintext, context = emptyContext }, walk) => {
    const how = { action: 'deterministicEncrypt', usage: 'ENCRYPT_DECRYPT', need: 'protect' } as const
    const material = requireSecret(
      await walk.material({ ...how, key, context, isDeterministic: true, bytes: plaintext.length }),
    )
    const { keyId, keyVersion } = material
    return { ciphertext: sealDeterministic(material, plaintext, context), keyId, keyVersion }
  },
}
