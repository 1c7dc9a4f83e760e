import { randomBytesOf } from '../crypto/randomness.ts'
import { InvalidRequestError, RootKeyMismatchError } from '../errors.ts'
import type { CallOptions } from '../call.ts'
import type { Run } from '../face/run.ts'
import { wipe } from '../internal/bytes.ts'
import { stateEpoch } from '../keys/epoch-statement.ts'
import { fingerprintOf } from '../keys/epochs.ts'
import type { KeyringState, Wrap } from '../keys/keyring-store.ts'
import { beginKeyringEpoch } from '../operations/begin-keyring-epoch.ts'
import { readKeyringRows } from './foundation.ts'
import { configured, proven, signingKeys, type KeyringDesk, type Named } from './keyring-desk.ts'
import { keyringContext, unwrapWith, wrapWith } from './keyring-row.ts'

/**
 * Begins the next epoch, under the current root key and every other that opens the newest: whoever could open that can
 * open this. The key is taken over as it is stored, by whoever meets a head of the new epoch; this process at once.
 */
export async function beginNextEpoch(desk: KeyringDesk, run: Run, call: CallOptions): Promise<void> {
  const before = await proven(desk, async (reader) => readKeyringRows(reader, desk.tenant))
  const openers = await openersOf(desk, before)
  const epoch = (before.keyring.at(-1)?.epoch ?? 0) + 1
  const key = randomBytesOf(desk.settings.random, 32)
  try {
    const wraps: Wrap[] = []
    for (const opener of openers) wraps.push(await wrapped(desk, opener, { key, epoch }))
    const madeUnder = openers[0]?.id ?? ''
    const statement = stateEpoch(
      await signingKeys(desk),
      { tenant: desk.tenant, madeUnder },
      { epoch, fingerprint: fingerprintOf(key) },
    )
    // A crash after this leaves an epoch under which nothing is: the next call goes on with it.
    await run(beginKeyringEpoch, { statement, wraps }, call)
  } finally {
    wipe(key)
  }
  await desk.learn()
}

/** The root keys that have to open a new epoch, the current one first. @throws InvalidRequestError */
async function openersOf(desk: KeyringDesk, { keyring, wraps }: KeyringState): Promise<readonly Named[]> {
  const newest = keyring.at(-1)
  const needed = [...keyring, ...wraps].filter(({ epoch }) => epoch === newest?.epoch).map(({ provider }) => provider)
  const all = await configured(desk)
  if (needed.some((provider) => !all.some(({ id }) => id === provider))) {
    throw new InvalidRequestError(
      'the keyring is also wrapped by a root key that is not configured here: name it in previousRootKeys, or rotate with retire',
    )
  }
  return all.filter(({ id }, at) => at === 0 || needed.includes(id))
}

/** Wraps a key, and opens it again. */
async function wrapped(
  { settings, tenant }: KeyringDesk,
  { rootKey, id }: Named,
  { key, epoch }: { readonly key: Buffer; readonly epoch: number },
): Promise<Wrap> {
  const context = keyringContext(tenant, epoch)
  const bytes = await wrapWith(settings, rootKey, { key, context })
  const opened = await unwrapWith(settings, rootKey, { bytes, context })
  const isSame = opened.equals(key)
  wipe(opened)
  if (!isSame) throw new RootKeyMismatchError('the root key does not open what it wraps')
  return { epoch, provider: id, wrapped: bytes }
}
