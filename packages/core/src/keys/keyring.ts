import { expandSha512, secretKey, type SecretKey } from '../crypto/secret-key.ts'
import { randomBytesOf, type Randomness } from '../crypto/randomness.ts'
import { InvalidKeyUsageError, KeyNotFoundError, StorageTamperedError, type KmsError } from '../errors.ts'
import { limits } from '../internal/defaults.ts'
import { Lru } from '../internal/lru.ts'
import { withReason } from '../internal/reason.ts'
import type { Authorized, Material, UsableKey } from '../stages.ts'
import type { KeyRow, KeyUsage, VersionRow } from '../state/rows.ts'
import type { StateView } from '../state/view.ts'
import { keyById, versionOf } from './queries.ts'
import { requireUsable, type VersionUse } from './state.ts'
import { keyIdentity, unwrapSecret, wrapSecret, type Identity } from './wrapping.ts'

/** How a key is to be used. */
export interface KeyUse extends VersionUse {
  /** The usage that the verb belongs to. */
  readonly usage: KeyUsage
  /** The version that a ciphertext names. Without it the current one. */
  readonly version?: number | undefined
  /** The key that a ciphertext names, where the caller named one too: they must be the same. */
  readonly sealedBy?: string | undefined
  /** The error for a ciphertext's key or version that does not exist. @defaultValue KEY_NOT_FOUND */
  readonly missing?: ((reason: string) => KmsError) | undefined
}

/** The keys of one keyring epoch. */
interface EpochKeys {
  readonly wrap: SecretKey
  readonly headMac: SecretKey
}

/** Keyring keys of one tenant, and the material they unwrap. */
export class Keyring {
  readonly #epochs = new Map<number, EpochKeys>()
  readonly #materials = new Lru<string, Material>(limits.cachedMaterials)
  readonly #random: Randomness
  #epoch = 0

  constructor(random: Randomness) {
    this.#random = random
  }

  /** The epoch under which new secrets are wrapped: the newest. */
  get epoch(): number {
    return this.#epoch
  }

  /** Takes the keyring key of an epoch over, and wipes it. */
  add(epoch: number, keyringKey: Buffer): void {
    const secret = secretKey(keyringKey)
    const derive = (label: string): SecretKey => secretKey(expandSha512(secret, Buffer.from(label, 'latin1'), 32))
    this.#epochs.set(epoch, { wrap: derive('wrap'), headMac: derive('head-mac') })
    this.#epoch = Math.max(this.#epoch, epoch)
  }

  /** The key that authenticates heads of an epoch. @throws StorageTamperedError for an epoch that does not exist. */
  headMacKey(epoch: number): SecretKey {
    return this.#keysOf(epoch).headMac
  }

  /** Wraps a secret under the current epoch. */
  wrap(identity: Identity, bytes: Uint8Array): Buffer {
    return wrapSecret(this.#keysOf(this.#epoch).wrap, identity, { bytes, random: this.#random })
  }

  /** Unwraps a secret. Whoever calls it wipes the bytes. @throws StorageTamperedError */
  unwrap(epoch: number, identity: Identity, wrapped: Uint8Array): Buffer {
    return unwrapSecret(this.#keysOf(epoch).wrap, identity, wrapped)
  }

  /** Fresh random material, wrapped for this key version, and nowhere else. */
  generate(key: KeyRow, version: number, length: number): Buffer {
    const bytes = randomBytesOf(this.#random, length)
    const wrapped = this.wrap(keyIdentity(key, version), bytes)
    bytes.fill(0)
    return wrapped
  }

  /** The secret of a usable key version, unwrapped once and then kept. @throws StorageTamperedError */
  materialOf(usable: UsableKey): Material {
    const { key, version } = usable
    const name = `${key.id}:${version.version}`
    const known = this.#materials.get(name)
    if (known !== undefined) return known
    if (version.material === null) throw new StorageTamperedError('a usable key version has no material')
    const secret = secretKey(this.unwrap(version.epoch, keyIdentity(key, version.version), version.material))
    const material = { keyId: key.id, keyVersion: version.version, secret } as Material
    this.#materials.set(name, material)
    return material
  }

  /** Forgets every secret. Node frees them with their last reference. */
  clear(): void {
    this.#materials.clear()
    this.#epochs.clear()
  }

  #keysOf(epoch: number): EpochKeys {
    const keys = this.#epochs.get(epoch)
    if (keys === undefined) throw new StorageTamperedError('a row names a keyring epoch that does not exist')
    return keys
  }
}

/**
 * Finds the key version that an authorized intent needs, and checks its usage and state.
 *
 * @throws KeyNotFoundError, InvalidKeyUsageError, InvalidKeyStateError
 */
export async function lookUp(view: StateView, authorized: Authorized, use: KeyUse): Promise<UsableKey> {
  const missing = use.missing ?? notFound
  const { keyId } = authorized.intent
  const key = keyId === undefined ? undefined : await view.read(keyById(keyId))
  if (key === undefined) throw (use.sealedBy === undefined ? missing : notFound)('no such key')
  if (use.sealedBy !== undefined && use.sealedBy !== key.id) throw missing('it is a message of another key')
  if (key.usage !== use.usage) throw new InvalidKeyUsageError(`the key is for ${String(key.usage)}`)
  const version = await view.read(versionOf(key.id, use.version ?? key.currentVersion))
  if (version === undefined) throw missing('no such version')
  const ends = requireUsable(key, version, use)
  return { key, version, validUntil: Math.min(authorized.validUntil, ends) } as UsableKey
}

/** The key that an authorized intent names, in whatever state. @throws KeyNotFoundError */
export async function findKey(view: StateView, authorized: Authorized): Promise<KeyRow> {
  const { keyId } = authorized.intent
  const key = keyId === undefined ? undefined : await view.read(keyById(keyId))
  if (key === undefined) throw notFound('no such key')
  return key
}

/** A version of a key. @throws KeyNotFoundError */
export async function findVersion(view: StateView, key: KeyRow, version: number): Promise<VersionRow> {
  const row = await view.read(versionOf(key.id, version))
  if (row === undefined) throw notFound('no such version')
  return row
}

function notFound(reason: string): KeyNotFoundError {
  return withReason(new KeyNotFoundError('no key, or no version of it, is called so'), reason)
}
