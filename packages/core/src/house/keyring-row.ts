import { RootKeyMismatchError, RootKeyUnavailableError, isKmsError } from '../errors.ts'
import { copyBytes, wipe } from '../internal/bytes.ts'
import { within, type Patience } from '../internal/patience.ts'
import type { Keyring } from '../keys/keyring.ts'
import type { RootKey, RootKeyContext } from '../root-key/root-key.ts'
import type { KeyringRow } from '../state/keyring-rows.ts'

/** Unwraps the keyring key of every epoch that a keyring lacks. @throws RootKeyMismatchError, RootKeyUnavailableError */
export async function openKeyring(keyring: Keyring, stored: StoredKeys, asking: Asking): Promise<void> {
  for (const row of stored.keyring) {
    if (keyring.epochs.has(row.epoch)) continue
    const wraps = [row, ...stored.wraps.filter(({ epoch }) => epoch === row.epoch)]
    keyring.add(row.epoch, await unwrapKeyringKey(asking, wraps, keyringContext(row.tenant, row.epoch)))
  }
}

/** A keyring as it is stored: the wrapping in use of each epoch, and others. */
export interface StoredKeys {
  readonly keyring: readonly KeyringRow[]
  readonly wraps: readonly KeyringRow[]
}

/** A keyring key, and the root key that wrapped it. */
export type WrappedKey = Pick<KeyringRow, 'provider' | 'wrapped'>

/**
 * Unwraps a keyring key with the first of the root keys that may open one of its wrappings, and does. Whoever calls it
 * wipes the key.
 *
 * @throws RootKeyUnavailableError where one of them might have, RootKeyMismatchError where none does
 */
export async function unwrapKeyringKey(
  asking: Asking,
  wraps: readonly WrappedKey[],
  context: RootKeyContext,
): Promise<Buffer> {
  let failure: unknown = new RootKeyMismatchError('this storage was made with another root key')
  for (const rootKey of asking.rootKeys) {
    const id = await rootKeyId(asking, rootKey)
    for (const { provider, wrapped } of wraps) {
      if (id !== provider && rootKey.opens?.(provider) !== true) continue
      try {
        return await unwrapWith(asking, rootKey, { bytes: wrapped, context })
      } catch (error) {
        if (!isKmsError(failure, 'ROOT_KEY_UNAVAILABLE')) failure = error
      }
    }
  }
  throw failure
}

/** Unwraps a keyring key with one root key. Whoever calls it wipes the key. */
export async function unwrapWith(
  asking: Patience,
  rootKey: RootKey,
  { bytes, context }: { readonly bytes: Uint8Array; readonly context: RootKeyContext },
): Promise<Buffer> {
  const unwrapped = await ask(asking, async () => rootKey.unwrap(copyBytes(bytes), context), wipeLate)
  if (!(unwrapped instanceof Uint8Array) || unwrapped.byteLength !== 32) {
    throw new RootKeyUnavailableError('the root key provider returned something that is not a key')
  }
  const key = copyBytes(unwrapped)
  wipe(unwrapped)
  return key
}

/** The root keys, the current one first, and how long they may take. */
export interface Asking extends Patience {
  readonly rootKeys: readonly RootKey[]
}

/** Wraps a keyring key under the current root key, for its row. @throws RootKeyUnavailableError */
export async function wrapKeyringKey(asking: Asking, key: Uint8Array, context: RootKeyContext): Promise<Buffer> {
  return wrapWith(asking, asking.rootKeys[0] as RootKey, { key, context })
}

/** Wraps a keyring key under a root key. @throws RootKeyUnavailableError */
export async function wrapWith(
  asking: Patience,
  rootKey: RootKey,
  { key, context }: { readonly key: Uint8Array; readonly context: RootKeyContext },
): Promise<Buffer> {
  const copy = copyBytes(key)
  const wrapped = await ask(asking, async () => rootKey.wrap(copy, context)).finally(() => wipe(copy))
  if (wrapped instanceof Uint8Array && wrapped.byteLength > 0) return copyBytes(wrapped)
  throw new RootKeyUnavailableError('the root key provider returned something that is not a wrapped key')
}

/** What a wrapped keyring key is bound to. */
export function keyringContext(tenant: string, epoch: number): RootKeyContext {
  return { tenant, epoch, purpose: 'keyring' }
}

/** The name of a root key. @throws RootKeyMissingError, RootKeyUnavailableError */
export async function rootKeyId(asking: Patience, rootKey: RootKey): Promise<string> {
  const told: unknown = await ask(asking, async () => rootKey.describe())
  const id: unknown = typeof told === 'object' && told !== null ? Reflect.get(told, 'id') : undefined
  if (typeof id === 'string' && /^[^\0]{1,1024}$/su.test(id) && id.isWellFormed()) return id
  throw new RootKeyUnavailableError('the root key provider gave itself no usable name')
}

/** A key that nobody waits for any more. */
function wipeLate(key: unknown): void {
  if (key instanceof Uint8Array) wipe(key)
}

async function ask<T>(patience: Patience, call: () => Promise<T>, discard?: (answer: T) => void): Promise<T> {
  const late = (): Error => new RootKeyUnavailableError('the root key provider did not answer before the deadline')
  let isOver = false
  const answering = call().then((answer) => {
    if (isOver) discard?.(answer)
    return answer
  })
  try {
    return await within(patience, answering, late)
  } catch (error) {
    isOver = true
    if (isKmsError(error)) throw error
    throw new RootKeyUnavailableError('the root key provider failed', { cause: error })
  }
}
