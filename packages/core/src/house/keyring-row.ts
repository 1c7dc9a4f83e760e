import { RootKeyMismatchError, RootKeyUnavailableError, isKmsError } from '../errors.ts'
import { copyBytes, wipe } from '../internal/bytes.ts'
import { within, type Patience } from '../internal/patience.ts'
import type { Keyring } from '../keys/keyring.ts'
import type { RootKey, RootKeyContext } from '../root-key/root-key.ts'
import type { Row } from '../storage/table.ts'

/** Unwraps every epoch's keyring key into a keyring. @throws RootKeyMismatchError, RootKeyUnavailableError */
export async function openKeyring(keyring: Keyring, rows: readonly Row[], asking: Asking): Promise<void> {
  for (const row of rows) {
    const context = keyringContext(row['tenant'] as string, row['epoch'] as number)
    const wrapped = { provider: row['provider'] as string, bytes: row['wrapped'] as Uint8Array }
    keyring.add(context.epoch, await unwrapKeyringKey(asking, wrapped, context))
  }
}

/** A keyring key as it is stored. */
export interface WrappedKeyringKey {
  /** The name of the root key that wrapped it. */
  readonly provider: string
  readonly bytes: Uint8Array
}

/**
 * Unwraps a keyring key with the first of the root keys that may open it and does. Whoever calls it wipes the key.
 *
 * @throws RootKeyMismatchError, RootKeyUnavailableError
 */
export async function unwrapKeyringKey(
  asking: Asking,
  { provider, bytes }: WrappedKeyringKey,
  context: RootKeyContext,
): Promise<Buffer> {
  let mismatch: unknown = new RootKeyMismatchError('this storage was made with another root key')
  for (const rootKey of asking.rootKeys) {
    const mayOpen = (await rootKeyId(asking, rootKey)) === provider || rootKey.opens?.(provider) === true
    if (!mayOpen) continue
    try {
      return await unwrapWith(asking, rootKey, { bytes, context })
    } catch (error) {
      if (!isKmsError(error, 'ROOT_KEY_MISMATCH')) throw error
      mismatch = error
    }
  }
  throw mismatch
}

async function unwrapWith(
  asking: Asking,
  rootKey: RootKey,
  { bytes, context }: { readonly bytes: Uint8Array; readonly context: RootKeyContext },
): Promise<Buffer> {
  const unwrapped = await ask(asking, async () => rootKey.unwrap(copyBytes(bytes), context))
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
  const rootKey = asking.rootKeys[0] as RootKey
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
export async function rootKeyId(asking: Asking, rootKey: RootKey): Promise<string> {
  const told: unknown = await ask(asking, async () => rootKey.describe())
  const id: unknown = typeof told === 'object' && told !== null ? Reflect.get(told, 'id') : undefined
  if (typeof id === 'string' && /^[^\0]{1,1024}$/su.test(id) && id.isWellFormed()) return id
  throw new RootKeyUnavailableError('the root key provider gave itself no usable name')
}

async function ask<T>(patience: Patience, call: () => Promise<T>): Promise<T> {
  const late = (): Error => new RootKeyUnavailableError('the root key provider did not answer before the deadline')
  try {
    return await within(patience, call(), late)
  } catch (error) {
    if (isKmsError(error)) throw error
    throw new RootKeyUnavailableError('the root key provider failed', { cause: error })
  }
}
