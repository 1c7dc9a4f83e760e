import { secretBytes, secretKey, type SecretKey } from '../../crypto/secret-key.ts'
import { RootKeyMismatchError } from '../../errors.ts'
import type { RootKey, RootKeyContext, RootKeyDescription } from '../../root-key/root-key.ts'

/** Stands in for whatever root key a restored house hangs on: it has the keyring keys themselves, out of the archive. */
export class RecoveredRootKey implements RootKey {
  readonly #keys = new Map<number, SecretKey>()

  /** Takes the keyring key of an epoch over, and wipes it. */
  add(epoch: number, key: Buffer): void {
    this.#keys.set(epoch, secretKey(key))
  }

  async describe(): Promise<RootKeyDescription> {
    return { id: 'recovered' }
  }

  readonly opens = (): boolean => true

  async wrap(): Promise<Uint8Array> {
    throw new RootKeyMismatchError('nothing is wrapped by what was recovered')
  }

  async unwrap(_: Uint8Array, { epoch }: RootKeyContext): Promise<Uint8Array> {
    const key = this.#keys.get(epoch)
    if (key === undefined) throw new RootKeyMismatchError('the archive has no key of this epoch')
    return secretBytes(key)
  }
}
