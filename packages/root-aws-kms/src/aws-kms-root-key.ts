import { DecryptCommand, EncryptCommand } from '@aws-sdk/client-kms'
import { RootKeyMismatchError } from '@chatelaine/core'
import type { RootKey, RootKeyContext, RootKeyDescription } from '@chatelaine/core/root-key'
import { CircuitBreaker } from './breaker.ts'
import { unusable } from './failures.ts'
import { readOptions, type AwsKmsRootKeyOptions, type Settings } from './options.ts'
import { Persistence } from './persistence.ts'

/** The longest ciphertext that AWS KMS knows. */
const maxCiphertextBytes = 6144
const keyBytes = 32

/**
 * A root key in AWS KMS: it wraps by `Encrypt` and opens by `Decrypt`, always with the encryption context
 * `{ app, tenant, epoch, purpose }`, always naming the key, and believes no answer that names another.
 *
 * It is asked when a tenant is opened or made, and where root keys or keyring epochs change: never per operation.
 *
 * @throws InvalidRequestError for an ARN that is none, or numbers out of bounds
 * @example
 * ```ts
 * import { createKms } from '@chatelaine/core'
 * import { awsKmsRootKey } from '@chatelaine/root-aws-kms'
 * import { memoryStorage } from '@chatelaine/storage-memory'
 *
 * const open = async (): Promise<unknown> => {
 *   const keyArn = 'arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab'
 *   return createKms({ storage: memoryStorage(), rootKey: awsKmsRootKey({ keyArn }) })
 * }
 * ```
 */
export function awsKmsRootKey(options: AwsKmsRootKeyOptions): RootKey {
  const settings = readOptions(options)
  const { failuresBeforePause, cooldownMs, monotonic } = settings
  const random = Math.random
  const breaker = new CircuitBreaker({ failuresBeforePause, cooldownMs, monotonic, random })
  return new AwsKmsRootKey(settings, new Persistence(settings, { breaker, random }))
}

class AwsKmsRootKey implements RootKey {
  readonly #settings: Settings
  readonly #persistence: Persistence

  constructor(settings: Settings, persistence: Persistence) {
    this.#settings = settings
    this.#persistence = persistence
  }

  async describe(): Promise<RootKeyDescription> {
    return { id: `aws-kms:${this.#settings.keyArn}` }
  }

  async wrap(keyringKey: Uint8Array, context: RootKeyContext): Promise<Uint8Array> {
    const { client, keyArn } = this.#settings
    const copy = Uint8Array.from(keyringKey)
    try {
      const command = new EncryptCommand({ ...this.#asked(context), Plaintext: copy })
      const answer = await this.#persistence.call(async (abortSignal) => client.send(command, { abortSignal }))
      requireKey(answer.KeyId, keyArn)
      return bytesOf(answer.CiphertextBlob, (length) => length > 0 && length <= maxCiphertextBytes)
    } finally {
      copy.fill(0)
    }
  }

  async unwrap(wrapped: Uint8Array, context: RootKeyContext): Promise<Uint8Array> {
    const { client, keyArn } = this.#settings
    if (wrapped.byteLength === 0 || wrapped.byteLength > maxCiphertextBytes) {
      throw new RootKeyMismatchError('AWS KMS wraps nothing of this length')
    }
    const command = new DecryptCommand({ ...this.#asked(context), CiphertextBlob: Uint8Array.from(wrapped) })
    const answer = await this.#persistence.call(async (abortSignal) => client.send(command, { abortSignal }))
    try {
      requireKey(answer.KeyId, keyArn)
      return bytesOf(answer.Plaintext, (length) => length === keyBytes)
    } finally {
      // What is handed out is a copy, outside of the pool in which the SDK may have put it.
      if (answer.Plaintext instanceof Uint8Array) answer.Plaintext.fill(0)
    }
  }

  /** What every call names: the key, so that nobody else's is used, and what is bound to the wrapping. */
  #asked({ tenant, epoch, purpose }: RootKeyContext): Asked {
    const { keyArn, app, grantTokens } = this.#settings
    const EncryptionContext = { app, tenant, epoch: String(epoch), purpose }
    return { KeyId: keyArn, EncryptionContext, ...(grantTokens === undefined ? {} : { GrantTokens: grantTokens }) }
  }
}

interface Asked {
  readonly KeyId: string
  readonly EncryptionContext: Record<string, string>
  readonly GrantTokens?: string[]
}

function requireKey(answered: unknown, keyArn: string): void {
  if (answered === keyArn) return
  throw new RootKeyMismatchError('AWS KMS answered with another key than the one that was asked for')
}

function bytesOf(answered: unknown, fits: (length: number) => boolean): Uint8Array {
  if (!(answered instanceof Uint8Array) || !fits(answered.byteLength))
    throw unusable('something that is not a key').error
  const bytes = Buffer.allocUnsafeSlow(answered.byteLength)
  bytes.set(answered)
  return bytes
}
