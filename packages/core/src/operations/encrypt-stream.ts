import { z } from 'zod'
import { emptyContext } from '../envelope/context.ts'
import { sealStream } from '../envelope/seal-stream.ts'
import type { StreamOperation } from '../streaming.ts'
import { context, keyReference, type EncryptionContext } from './shared/fields.ts'
import { requireSecret } from './shared/opening.ts'

/** A stream to encrypt. */
export interface EncryptStreamRequest {
  /** The key: id or name of an AES key. */
  readonly key: string
  /** Pairs that must be given again to decrypt; authenticated, not stored. @defaultValue none */
  readonly context?: EncryptionContext | undefined
}

const schema = z.strictObject({ key: keyReference, context: context.optional() })

/** Encrypts bytes that come one after the other, under a data key of their own: `encrypt` with `wrapped`. */
export const encryptStream: StreamOperation<EncryptStreamRequest, z.output<typeof schema>> = {
  action: 'encrypt',
  effect: 'stream',
  schema,
  headBytes: 0,
  open: async ({ key, context: encoded = emptyContext }, walk) => {
    const use = { action: 'encrypt', usage: 'ENCRYPT_DECRYPT', context: encoded } as const
    const material = requireSecret(await walk.material({ ...use, key, need: 'protect' }))
    const { keyId, keyVersion } = material
    // A rotation meanwhile does not stop it: then its version is one that can be decrypted with, and no longer current.
    const claim = { ...use, key: keyId, version: keyVersion, need: 'process', finishes: true } as const
    return { claims: [claim], message: 'bytesIn', cipher: sealStream(material, encoded, walk.tools.random) }
  },
}
