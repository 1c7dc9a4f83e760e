import type { Mark } from '../audit/high-water-mark.ts'
import type { Ledger } from '../audit/ledger.ts'
import { faultByMark, type MarkedLog } from '../audit/mark-check.ts'
import type { RecordDetails } from '../audit/record.ts'
import { readEnd } from '../audit/verify.ts'
import type { LiveView } from '../audit/live-view.ts'
import type { LogKeys } from '../audit/log-keys.ts'
import { MarkKeeper, type SignedLog } from '../audit/mark-keeper.ts'
import type { SigningKey } from '../crypto/ed25519.ts'
import { isKmsError, RollbackDetectedError, StorageUnavailableError } from '../errors.ts'
import { within } from '../internal/patience.ts'
import type { Settings } from '../options.ts'
import type { StorageReader } from '../storage/adapter.ts'

/** What is remembered of a tenant, read within the deadline. @throws StorageUnavailableError, RollbackDetectedError */
export async function readMark(settings: Settings, tenant: string): Promise<Mark | undefined> {
  const { mark } = settings
  if (mark === undefined) return undefined
  return unlessUnavailable(settings, mark.read(tenant))
}

/** Waits for a mark within the deadline; what it throws becomes an error of ours. */
async function unlessUnavailable<T>(settings: Settings, work: Promise<T>): Promise<T> {
  const late = (): Error => new StorageUnavailableError('the high-water mark did not answer before the deadline')
  try {
    return await within(settings, work, late)
  } catch (error) {
    if (isKmsError(error)) throw error
    throw new StorageUnavailableError('the high-water mark cannot be read or written', { cause: error })
  }
}

/** What was accepted when a tenant was opened: the fault, and what was remembered before. */
export interface AcceptedRollback {
  readonly fault: string
  readonly remembered: Mark | undefined
}

/**
 * Compares a log with what is remembered of it. A mark that is missing is looked for again: who made the log may have made
 * it since.
 *
 * @returns what is to be put on record, where somebody has accepted what does not fit.
 * @throws RollbackDetectedError
 */
export async function checkByMark(
  settings: Settings,
  reader: StorageReader,
  log: MarkedLog & { readonly remembered: Mark | undefined },
): Promise<AcceptedRollback | undefined> {
  if (settings.mark === undefined) return undefined
  const { tenant } = log.head
  const remembered = log.remembered ?? (log.head.size > 1 ? await readMark(settings, tenant) : undefined)
  const fault = await faultByMark(reader, log, remembered)
  if (fault === undefined) return undefined
  if (settings.acceptRollback === undefined) throw refusal(fault)
  return { fault, remembered }
}

/** What does not fit a mark, and what to do about it. */
export function refusal(fault: string): RollbackDetectedError {
  return new RollbackDetectedError(
    `${fault}: find out who put back what. If you did, open it once with acceptRollback: { reason }`,
  )
}

/** What keeps a tenant's mark, where there is one. */
export function keeperOf({ mark, clock, timers }: Settings, of: Kept): MarkKeeper | undefined {
  const { tenant, origin, keys, view } = of
  if (mark === undefined) return undefined
  const look = async (): Promise<SignedLog> =>
    view.snapshot(async (reader, head) => ({ head, key: (await keys.at(reader)).at(-1) as SigningKey }))
  return new MarkKeeper({ mark, tenant, origin, clock, timers, look, saw: (seen) => view.saw(seen) })
}

/** The log that a mark is kept of. */
export interface Kept {
  readonly tenant: string
  readonly origin: string
  readonly keys: LogKeys
  readonly view: LiveView
}

/** What speaks against a log that is only looked at, by its mark; `undefined` where there is none, or no head. */
export async function faultOfMark(
  settings: Settings,
  log: Parameters<typeof readEnd>[1] & Pick<MarkedLog, 'origin' | 'publicKeys'>,
): Promise<string | undefined> {
  if (settings.mark === undefined) return undefined
  const remembered = await readMark(settings, log.tenant)
  return settings.storage.snapshot(async (reader) => {
    const { head } = await readEnd(reader, log)
    return head === undefined ? undefined : faultByMark(reader, { ...log, head }, remembered)
  })
}

/**
 * Begins to remember a log that was opened: an accepted one once it is on record, in the place of what was remembered; a
 * new one at once, before anything is written to it, so that only a log without records is ever found without a mark.
 */
export async function beginMarking(settings: Settings, by: Beginning): Promise<void> {
  const { accepted, keeper } = by
  if (keeper === undefined) return
  if (accepted !== undefined) await recordAcceptance(settings, accepted, { ...by, keeper })
  await unlessUnavailable(settings, keeper.begin(accepted?.remembered))
}

/** Remembers how far the log has come, if the mark answers in time. */
export async function endMarking(settings: Settings, keeper: MarkKeeper | undefined): Promise<void> {
  if (keeper === undefined) return
  await unlessUnavailable(settings, keeper.close()).catch(() => undefined)
}

/** Puts on record that a log was accepted although its mark spoke against it, with both checkpoints. */
async function recordAcceptance(settings: Settings, accepted: AcceptedRollback, by: Recording): Promise<void> {
  const { remembered } = accepted
  const marked = remembered === undefined ? {} : { markSize: remembered.size, markCheckpoint: remembered.checkpoint }
  const details = { ...marked, checkpoint: await by.keeper.checkpoint() }
  await putAcceptance(settings, { fault: accepted.fault, details }, by)
}

/** Puts on record that somebody has accepted what speaks against a log. */
export async function putAcceptance(settings: Settings, of: Acceptance, { ledger, revision }: Books): Promise<void> {
  const draft = {
    action: 'acceptRollback',
    actor: settings.actor,
    status: 'SUCCESS',
    reason: of.fault,
    startedAt: settings.clock.monotonic(),
    details: { ...of.details, why: String(settings.acceptRollback?.reason) },
  } as const
  const use = {
    kind: 'use',
    drafts: [draft],
    revision,
    validUntil: Infinity,
    resultBytes: 0,
    charge: undefined,
  } as const
  await ledger.append({ ...use, holds: async () => true }, { signal: undefined, deadline: {} })
}

/** What was accepted, and what is said of it besides why. */
export interface Acceptance {
  readonly fault: string
  readonly details: RecordDetails
}

/** Where it is put on record. */
export interface Books {
  readonly ledger: Ledger
  readonly revision: number
}

/** What marking begins with. */
export interface Beginning extends Books {
  readonly accepted: AcceptedRollback | undefined
  /** What keeps the mark, where there is one. */
  readonly keeper: MarkKeeper | undefined
}

interface Recording extends Beginning {
  readonly keeper: MarkKeeper
}
