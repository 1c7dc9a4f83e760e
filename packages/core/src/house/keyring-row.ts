import { RootKeyMismatchError, RootKeyUnavailableError, isKmsError } from '../errors.ts'
import { copyBytes, wipe } from '../internal/bytes.ts'
import type { Keyring } from '../keys/keyring.ts'
import type { RootKey, RootKeyContext } from '../root-key/root-key.ts'
import type { Row } from '../storage/table.ts'

/** Unwraps every epoch's keyring key into a keyring. @throws RootKeyMismatchError, RootKeyUnavailableError */
export async function openKeyring(keyring: Keyring, rows: readonly Row[], rootKeys: readonly RootKey[]): Promise<void> {
  for (const row of rows) {
    const context = keyringContext(row['tenant'] as string, row['epoch'] as number)
    const rootKey = await rootKeyOf(row['provider'] as string, rootKeys)
    const unwrapped = await ask(async () => rootKey.unwrap(row['wrapped'] as Uint8Array, context))
    if (!(unwrapped instanceof Uint8Array) || unwrapped.byteLength !== 32) {
      throw new RootKeyUnavailableError('the root key provider returned something that is not a key')
    }
    const key = copyBytes(unwrapped)
    wipe(unwrapped)
    keyring.add(context.epoch, key)
  }
}

/** Wraps a keyring key for its row. @throws RootKeyUnavailableError */
export async function wrapKeyringKey(rootKey: RootKey, key: Uint8Array, context: RootKeyContext): Promise<Buffer> {
  const copy = copyBytes(key)
  const wrapped = await ask(async () => rootKey.wrap(copy, context)).finally(() => wipe(copy))
  if (wrapped instanceof Uint8Array && wrapped.byteLength > 0) return copyBytes(wrapped)
  throw new RootKeyUnavailableError('the root key provider returned something that is not a wrapped key')
}

/** What a wrapped keyring key is bound to. */
export function keyringContext(tenant: string, epoch: number): RootKeyContext {
  return { tenant, epoch, purpose: 'keyring' }
}

/** The name of a root key. @throws RootKeyMissingError */
export async function rootKeyId(rootKey: RootKey): Promise<string> {
  return ask(async () => rootKey.id())
}

async function rootKeyOf(id: string, rootKeys: readonly RootKey[]): Promise<RootKey> {
  for (const rootKey of rootKeys) if ((await rootKeyId(rootKey)) === id) return rootKey
  throw new RootKeyMismatchError('this storage was made with another root key')
}

async function ask<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    if (isKmsError(error)) throw error
    throw new RootKeyUnavailableError('the root key provider failed', { cause: error })
  }
}
