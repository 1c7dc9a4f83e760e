import { secretKey, type SecretKey } from '../crypto/secret-key.ts'
import type { FreshMaterial } from '../crypto/fresh-material.ts'
import type { Randomness } from '../crypto/randomness.ts'
import { InvalidKeyUsageError, isKmsError, LimitExceededError, StorageTamperedError } from '../errors.ts'
import type { KmsError } from '../errors.ts'
import { wipe } from '../internal/bytes.ts'
import { limits } from '../internal/defaults.ts'
import { Lru } from '../internal/lru.ts'
import { ownOnly } from '../internal/own.ts'
import type { Authorized, Material, PairMaterial, UsableKey } from '../stages.ts'
import type { KeyRow, KeyUsage, VersionRow } from '../state/rows.ts'
import type { StateView } from '../state/view.ts'
import { Epochs } from './epochs.ts'
import { openPair } from './open-pair.ts'
import { findKey, notFound } from './find.ts'
import { importOf, keyById, versionOf } from './queries.ts'
import { requireSize } from './message-size.ts'
import { keySpecs } from './spec.ts'
import { invalidState } from './invalid-state.ts'
import { requireState, requireUsable, type VersionUse } from './state.ts'
import { keyIdentity, kindOfWrapped, unwrapSecret, wrapSecret, type Identity } from './wrapping.ts'

/** How a key is to be used. */
export interface KeyUse extends Omit<VersionUse, 'materialEnds'> {
  /** The usage that the verb belongs to; `undefined` for one that any key has. */
  readonly usage: KeyUsage | undefined
  /** Whether the verb is one of deterministic encryption. @defaultValue false */
  readonly isDeterministic?: true | undefined
  /** The version that the caller names. Without it the current one. */
  readonly version?: number | undefined
  /** Set where something is opened: what it says of itself, which must agree with all that the caller says. */
  readonly opens?: Sealed | undefined
  /** The error for a ciphertext's key or version that does not exist. @defaultValue KEY_NOT_FOUND */
  readonly missing?: ((reason: string) => KmsError) | undefined
  /** How large the message is, where the use is one of a message and that is known. */
  readonly bytes?: number | undefined
  /** Set where material leaves the house: only that of a key which was made so. */
  readonly exports?: true | undefined
}

/** A ciphertext, as far as it says who made it. */
export interface Sealed {
  /** The key and version that it names; `undefined` where it cannot be read as one that does. */
  readonly by: { readonly keyId: string; readonly keyVersion: number } | undefined
  /** Whether the caller names the key too. */
  readonly isKeyNamed: boolean
}

/** Wrapped material of a key version. */
export interface WrappedMaterial {
  readonly epoch: number
  readonly material: Buffer
  /** The public half, in SubjectPublicKeyInfo DER. */
  readonly publicKey: Buffer | null
}

/** Keyring keys of one tenant, and the material they unwrap. */
export class Keyring {
  /** The epochs that this process knows. */
  readonly epochs = new Epochs()
  readonly #materials = new Lru<string, Material | PairMaterial>(limits.cachedMaterials)
  readonly #random: Randomness

  constructor(random: Randomness) {
    this.#random = random
  }

  /** The epoch under which new secrets are wrapped: the newest. */
  get epoch(): number {
    return this.epochs.newest
  }

  /** Takes the keyring key of an epoch over, and wipes it. */
  add(epoch: number, keyringKey: Buffer): void {
    this.epochs.add(epoch, keyringKey)
  }

  /** Another keyring of the same tenant, with nothing in it yet. */
  aside(): Keyring {
    return new Keyring(this.#random)
  }

  /** The key that authenticates heads of an epoch. @throws StorageTamperedError for an epoch that does not exist. */
  headMacKey(epoch: number): SecretKey {
    return this.epochs.of(epoch).headMac
  }

  /** Wraps a secret under the current epoch. */
  wrap(identity: Identity, bytes: Uint8Array): Buffer {
    return wrapSecret(this.epochs.of(this.epoch).wrap, identity, { bytes, random: this.#random })
  }

  /** Unwraps a secret. Whoever calls it wipes the bytes. @throws StorageTamperedError */
  unwrap(epoch: number, identity: Identity, wrapped: Uint8Array): Buffer {
    return unwrapSecret(this.epochs.of(epoch).wrap, identity, wrapped)
  }

  /** Fresh material, wrapped for this key version and nowhere else. Its bytes are wiped. */
  wrapFresh(key: KeyRow, version: number, material: FreshMaterial): WrappedMaterial {
    try {
      const wrapped = this.wrap(keyIdentity(key, version, material.kind), material.bytes)
      return { epoch: this.epoch, material: wrapped, publicKey: material.publicKey }
    } finally {
      wipe(material.bytes)
    }
  }

  /** The secret of a usable key version, unwrapped once and then kept. @throws StorageTamperedError */
  materialOf(usable: UsableKey): Material | PairMaterial {
    const { key, version } = usable
    const name = `${key.id}:${version.version}`
    const known = this.#materials.get(name)
    if (known !== undefined) return known
    if (version.material === null) throw new StorageTamperedError('a usable key version has no material')
    const kind = kindOfWrapped(version.material)
    const bytes = this.unwrap(version.epoch, keyIdentity(key, version.version, kind), version.material)
    const of = { keyId: key.id, keyVersion: version.version, spec: key.spec, usage: key.usage }
    // A secret has no pair, not even one that somebody puts on Object.prototype.
    const material = ownOnly(
      kind === 'symmetric' ? { ...of, secret: secretKey(bytes) } : { ...of, pair: openPair(kind, bytes, version) },
    )
    this.#materials.set(name, material as Material | PairMaterial)
    return material as Material | PairMaterial
  }

  /** Forgets the secret of one key version. */
  forget(key: KeyRow, version: number): void {
    this.#materials.delete(`${key.id}:${version}`)
  }

  /** Forgets every secret. Node frees them with their last reference. */
  clear(): void {
    this.#materials.clear()
    this.epochs.clear()
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
  if (key === undefined) throw (use.opens?.isKeyNamed === true ? notFound : missing)('no such key')
  const number = versionFor(key, use, missing)
  requireFor(key, use)
  const version = await view.read(versionOf(key.id, number))
  if (version === undefined) throw missing('no such version')
  const end = materialEnd(view, key, version)
  const materialEnds = typeof end === 'number' ? end : await end
  const ends = requireUsable(key, version, { ...use, materialEnds })
  requireSize(key, use.bytes)
  return { key, version, validUntil: Math.min(authorized.validUntil, ends) } as UsableKey
}

/**
 * Finds every version of a key that may be used so, the newest first.
 *
 * @throws KeyNotFoundError, InvalidKeyUsageError, InvalidKeyStateError; LimitExceededError for more than can be told
 */
export async function lookUpAll(
  view: StateView,
  authorized: Authorized,
  use: KeyUse,
): Promise<readonly [UsableKey, ...UsableKey[]]> {
  const key = await findKey(view, authorized, use.now)
  requireFor(key, use)
  requireState(key, use.need)
  const found: UsableKey[] = []
  for (let number = key.currentVersion; number >= key.minDecryptVersion; number--) {
    const version = await view.read(versionOf(key.id, number))
    const ends = version === undefined ? undefined : await usableUntil(view, { key, version }, use)
    if (ends === undefined) continue
    found.push({ key, version, validUntil: Math.min(authorized.validUntil, ends) } as UsableKey)
    if (found.length > limits.versionsAtOnce) throw tooManyVersions()
  }
  const [newest, ...others] = found
  if (newest === undefined) throw invalidState('no version of the key may be used')
  return [newest, ...others]
}

async function usableUntil(
  view: StateView,
  { key, version }: { key: KeyRow; version: VersionRow },
  use: KeyUse,
): Promise<number | undefined> {
  try {
    return requireUsable(key, version, { ...use, materialEnds: await materialEnd(view, key, version) })
  } catch (error) {
    if (isKmsError(error, 'INVALID_KEY_STATE')) return undefined
    throw error
  }
}

function tooManyVersions(): LimitExceededError {
  return new LimitExceededError(
    `the key has more than ${limits.versionsAtOnce} usable versions: give it a grace period, or raise minDecryptVersion`,
  )
}

/** What a key is made for, it is for ever. @throws InvalidKeyUsageError */
function requireFor(key: KeyRow, { usage, isDeterministic, exports }: KeyUse): void {
  if (exports === true && key.exportable !== 1) throw new InvalidKeyUsageError('the key was not created exportable')
  if (usage === undefined) return
  if (key.usage !== usage) throw new InvalidKeyUsageError(`the key is for ${key.usage}`)
  if (keySpecs[key.spec].isDeterministic === isDeterministic) return
  throw new InvalidKeyUsageError(`a key of spec ${key.spec} does not encrypt this way`)
}

/** The version to use: the one that a ciphertext names, where those of the spec name one, or the caller's. */
function versionFor(key: KeyRow, use: KeyUse, missing: NonNullable<KeyUse['missing']>): number {
  if (use.opens === undefined) return use.version ?? key.currentVersion
  const { by, isKeyNamed } = use.opens
  if (isKeyNamed && keySpecs[key.spec].isSelfDescribing !== true) return use.version ?? key.currentVersion
  if (by === undefined) throw missing('not a message of this kind of key')
  if (by.keyId !== key.id) throw missing('it is a message of another key')
  if (use.version !== undefined && use.version !== by.keyVersion) throw missing('it is a message of another version')
  return by.keyVersion
}

/** When imported material ends: that of the current version, without which a key does nothing, and the version's own. */
function materialEnd(view: StateView, key: KeyRow, version: VersionRow): number | Promise<number> {
  const ofKey = key.validUntil ?? Infinity
  return key.origin !== 'EXTERNAL' || version.version === key.currentVersion ? ofKey : ownEnd(view, version, ofKey)
}

async function ownEnd(view: StateView, version: VersionRow, ofKey: number): Promise<number> {
  const imported = await view.read(importOf(version.keyId, version.version))
  return Math.min(ofKey, imported?.expiresAt ?? Infinity)
}
