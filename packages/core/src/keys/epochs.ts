import { equalBytes } from '../crypto/hash.ts'
import { expandSha512, secretKey, type SecretKey } from '../crypto/secret-key.ts'
import { StorageTamperedError } from '../errors.ts'
import { copyBytes } from '../internal/bytes.ts'

/** The keys of one keyring epoch. */
export interface EpochKeys {
  readonly wrap: SecretKey
  readonly headMac: SecretKey
  /** Tells keyring keys apart, and nothing of them. */
  readonly fingerprint: Buffer
}

/** The keyring epochs of a tenant that this process knows. */
export class Epochs {
  readonly #keys = new Map<number, EpochKeys>()
  #newest = 0

  /** The newest: what is new is wrapped and authenticated under it. */
  get newest(): number {
    return this.#newest
  }

  /** All of them, in order. */
  get all(): readonly number[] {
    return [...this.#keys.keys()].toSorted((a, b) => a - b)
  }

  /** Takes the keyring key of an epoch over, and wipes it. */
  add(epoch: number, keyringKey: Buffer): void {
    this.#keys.set(epoch, derive(keyringKey))
    this.#newest = Math.max(this.#newest, epoch)
  }

  /** Whether the epoch is known. */
  has(epoch: number): boolean {
    return this.#keys.has(epoch)
  }

  /** @throws StorageTamperedError for an epoch that does not exist. */
  of(epoch: number): EpochKeys {
    const keys = this.#keys.get(epoch)
    if (keys === undefined) throw new StorageTamperedError('a row names a keyring epoch that does not exist')
    return keys
  }

  /** Whether this is the keyring key of an epoch. It is left as it is. */
  isKeyOf(epoch: number, keyringKey: Uint8Array): boolean {
    return equalBytes(fingerprintOf(keyringKey), this.of(epoch).fingerprint)
  }

  /** Takes the epochs of another over. */
  takeOver(others: Epochs): void {
    for (const epoch of others.all) this.#keys.set(epoch, others.of(epoch))
    this.#newest = Math.max(this.#newest, others.newest)
  }

  /** Forgets the keys of every epoch before one. */
  forgetBefore(epoch: number): void {
    for (const each of this.all) if (each < epoch) this.#keys.delete(each)
  }

  /** Forgets all keys. */
  clear(): void {
    this.#keys.clear()
  }
}

/** What tells a keyring key apart. It is left as it is. */
export function fingerprintOf(keyringKey: Uint8Array): Buffer {
  return derive(copyBytes(keyringKey)).fingerprint
}

/** Derives the keys of an epoch, and wipes the keyring key. */
function derive(keyringKey: Buffer): EpochKeys {
  const secret = secretKey(keyringKey)
  const expand = (label: string): Buffer => expandSha512(secret, Buffer.from(label, 'latin1'), 32)
  return { wrap: secretKey(expand('wrap')), headMac: secretKey(expand('head-mac')), fingerprint: expand('fingerprint') }
}
