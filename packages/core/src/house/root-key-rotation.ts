import { ConflictError, InvalidRequestError, isKmsError, RootKeyMismatchError } from '../errors.ts'
import { randomBytesOf } from '../crypto/randomness.ts'
import { wipe } from '../internal/bytes.ts'
import { stateEpoch, type EpochStatement } from '../keys/epoch-statement.ts'
import type { KeyringState, Wrap } from '../keys/keyring-store.ts'
import type { Run } from '../face/run.ts'
import type { RootKeyRotation, RotateRootKeyOptions } from '../face/root-key-options.ts'
import { describeRootKey } from '../operations/describe-root-key.ts'
import { rotateRootKey } from '../operations/rotate-root-key.ts'
import { readStored, signingKeys, type KeyringDesk, type Named } from './keyring-desk.ts'
import { keyringContext, rootKeyId, unwrapKeyringKey, unwrapWith, wrapWith } from './keyring-row.ts'

/** Somebody else works on the same keyring: a few looks more, then it is said. */
const tries = 3

/**
 * Rotates the root key of a tenant. Whatever is called slow here, which is all that root keys do, is done between the
 * transactions; each of them checks that what was read before is still so.
 */
export async function rotate(desk: KeyringDesk, run: Run, options: RotateRootKeyOptions): Promise<RootKeyRotation> {
  const rootKey = options.to ?? desk.settings.rootKeys[0]
  if (rootKey === undefined) throw new InvalidRequestError('there is no root key to rotate to')
  const to = { rootKey, id: await rootKeyId(desk.settings, rootKey) }
  for (let left = tries - 1; ; left--) {
    try {
      return await attempt(desk, { run, to }, options)
    } catch (error) {
      if (left === 0 || !isKmsError(error, 'CONFLICT')) throw error
    }
  }
}

interface Doing {
  readonly run: Run
  readonly to: Named
}

async function attempt(
  desk: KeyringDesk,
  { run, to }: Doing,
  { dryRun, retire, ...call }: RotateRootKeyOptions,
): Promise<RootKeyRotation> {
  const { signal, requestId } = call
  const before = await run(describeRootKey, {}, { signal, requestId })
  // Another process may have begun an epoch under which there is no head yet.
  await desk.learn()
  const plan = planOf(before, to.id, retire === true)
  if (dryRun === true) {
    await tryOut(desk, before, to)
    return { ...plan, dryRun: true }
  }
  const step: Step = async (request) => run(rotateRootKey, request, { signal, requestId })
  if (plan.staged.length > 0) {
    // A crash after this leaves a keyring that both root keys open.
    await step({ step: 'stage', provider: to.id, wraps: await wrapAgain(desk, to, { before, epochs: plan.staged }) })
  }
  // What is proved is what was stored, not what was meant to be.
  await prove(desk, await readStored(desk), to)
  if (plan.promoted.length > 0) {
    // A crash after this leaves the old wrappings beside the new: whoever has the old root key alone still opens it.
    await step({ step: 'promote', provider: to.id, statements: await statementsOf(desk, before) })
  }
  desk.use(to)
  if (plan.retired.length > 0) {
    await prove(desk, await readStored(desk), to)
    await step({ step: 'retire', provider: to.id })
  }
  return { ...plan, dryRun: false }
}

type Step = (request: Parameters<typeof rotateRootKey.perform>[0]) => Promise<unknown>

/** What there is to do. */
function planOf({ keyring, wraps }: KeyringState, to: string, retire: boolean): Omit<RootKeyRotation, 'dryRun'> {
  const isThere = (epoch: number): boolean => wraps.some((wrap) => wrap.epoch === epoch && wrap.provider === to)
  const elsewhere = keyring.filter(({ provider }) => provider !== to)
  const others = [...elsewhere, ...wraps.filter(({ provider }) => provider !== to)]
  const named = others.map(({ epoch, provider }) => ({ epoch, rootKey: provider }))
  return {
    to,
    staged: elsewhere.map(({ epoch }) => epoch).filter((epoch) => !isThere(epoch)),
    promoted: elsewhere.map(({ epoch }) => epoch),
    retired: retire ? named : [],
    kept: retire ? [] : named,
  }
}

/** Wraps the keys of some epochs under the new root key. */
async function wrapAgain(
  desk: KeyringDesk,
  to: Named,
  { before, epochs }: { readonly before: KeyringState; readonly epochs: readonly number[] },
): Promise<Wrap[]> {
  const wraps: Wrap[] = []
  for (const epoch of epochs) {
    const context = keyringContext(desk.tenant, epoch)
    const has = [...before.keyring, ...before.wraps].filter((row) => row.epoch === epoch)
    const key = await unwrapKeyringKey(desk.settings, has, context)
    try {
      requireKey(desk, epoch, key)
      wraps.push({ epoch, provider: to.id, wrapped: await wrapWith(desk.settings, to.rootKey, { key, context }) })
    } finally {
      wipe(key)
    }
  }
  return wraps
}

/** Opens every epoch with the new root key alone. @throws RootKeyMismatchError, RootKeyUnavailableError */
async function prove(desk: KeyringDesk, { keyring, wraps }: KeyringState, to: Named): Promise<void> {
  for (const { epoch } of keyring) {
    const wrap = [...keyring, ...wraps].find((row) => row.epoch === epoch && row.provider === to.id)
    // An epoch that began meanwhile: the next look wraps it too.
    if (wrap === undefined) throw new ConflictError('the keyring was changed by somebody else at the same time')
    const context = keyringContext(desk.tenant, epoch)
    const key = await unwrapWith(desk.settings, to.rootKey, { bytes: wrap.wrapped, context })
    try {
      requireKey(desk, epoch, key)
    } finally {
      wipe(key)
    }
  }
}

function requireKey(desk: KeyringDesk, epoch: number, key: Buffer): void {
  requireEpoch(desk, epoch)
  if (desk.keyring.epochs.isKeyOf(epoch, key)) return
  throw new RootKeyMismatchError('a root key opened the keyring to another key')
}

/** One that is not known has begun, or has gone, since the keyring was looked at. @throws ConflictError */
function requireEpoch(desk: KeyringDesk, epoch: number): void {
  if (desk.keyring.epochs.has(epoch)) return
  throw new ConflictError('the keyring was changed by somebody else at the same time')
}

/** Whether the new root key wraps and opens at all: shown with bytes that mean nothing. */
async function tryOut(desk: KeyringDesk, { keyring }: KeyringState, to: Named): Promise<void> {
  const key = randomBytesOf(desk.settings.random, 32)
  const context = keyringContext(desk.tenant, keyring.at(-1)?.epoch ?? 1)
  const bytes = await wrapWith(desk.settings, to.rootKey, { key, context })
  const opened = await unwrapWith(desk.settings, to.rootKey, { bytes, context })
  if (!opened.equals(key)) throw new RootKeyMismatchError('the root key does not open what it wraps')
}

/** What nobody has said yet of the epochs that there are: under which root key they began, before that is forgotten. */
async function statementsOf(desk: KeyringDesk, { keyring, epochs }: KeyringState): Promise<EpochStatement[]> {
  const signing = await signingKeys(desk)
  const unsaid = keyring.filter(({ epoch }) => !epochs.some((said) => said.epoch === epoch))
  return unsaid.map(({ epoch, provider }) => {
    requireEpoch(desk, epoch)
    const { fingerprint } = desk.keyring.epochs.of(epoch)
    return stateEpoch(signing, { tenant: desk.tenant, madeUnder: provider }, { epoch, fingerprint })
  })
}
