import { Anchoring, type AnchoringParts } from '../audit/anchors/anchoring.ts'
import { askAnchor, faultByAnchor, type AskedAnchor, type Told } from '../audit/anchors/comparison.ts'
import type { LiveView } from '../audit/live-view.ts'
import type { LogKeys } from '../audit/log-keys.ts'
import { publicKeyOf } from '../crypto/ed25519.ts'
import { StorageUnavailableError } from '../errors.ts'
import { limits } from '../internal/defaults.ts'
import type { Settings } from '../options.ts'
import { putAcceptance, refusal, type Books } from './marking.ts'
import type { Proven } from './proven.ts'

/** What a tenant has of anchoring before it is opened. */
type Known = Pick<AnchoringParts, 'tenant' | 'origin' | 'proofs' | 'keys'> & Pick<Proven, 'snapshot'>

/** Opens the ways to the anchors of a tenant, and recalls what they have kept. */
export async function openAnchoring(settings: Settings, { snapshot, ...known }: Known): Promise<Anchoring> {
  const { anchors, storage, clock, timers } = settings
  const anchoring = new Anchoring({ ...known, anchors, storage, clock, timers })
  if (anchors.length > 0) await snapshot(async (reader) => anchoring.recall(reader))
  return anchoring
}

/** What speaks against a log, by an anchor. */
export interface AnchorFault {
  readonly fault: string
  readonly told: Told
}

/** The log that anchors are asked about. */
export interface AnchoredLog {
  readonly origin: string
  readonly anchoring: Anchoring
  readonly keys: LogKeys
  readonly view: LiveView
}

/**
 * Compares a log with what anchors keep of it, all of them at the same time and within the time that the host has given
 * them. Between asking and comparing the log may have gone on, never back.
 *
 * @returns what is to be put on record, where somebody has accepted what does not fit.
 * @throws RollbackDetectedError, StorageUnavailableError where one has to answer and does not.
 */
export async function checkByAnchors(settings: Settings, log: AnchoredLog): Promise<readonly AnchorFault[]> {
  const { anchors, anchorsAtOpening, acceptRollback, timers, deadlineMs } = settings
  const asked = anchorsAtOpening === 'skip' ? [] : anchors.filter(canBeAsked)
  if (asked.length === 0) return []
  const isRequired = anchorsAtOpening === 'require'
  const waitMs = isRequired ? limits.anchorDeadlineMs : Math.min(limits.anchorOpeningMs, deadlineMs)
  const offered = await log.anchoring.current()
  const ask = async (anchor: AskedAnchor): Promise<Told> => {
    const first = await askAnchor(anchor, offered, { timers, waitMs })
    if (first.conflict === undefined) return first
    // Another process may have written more since this log was looked at, and brought it there.
    const now = await log.anchoring.current()
    return now.size > offered.size ? askAnchor(anchor, now, { timers, waitMs }) : first
  }
  const told = await Promise.all(asked.map(ask))
  const silent = told.find(({ silence }) => silence !== undefined)
  if (isRequired && silent !== undefined) {
    throw new StorageUnavailableError(`the anchor ${silent.anchor} did not say what it keeps: ${silent.silence}`)
  }
  const faults = await faultsOf(log, told)
  const [first] = faults
  if (first !== undefined && acceptRollback === undefined) throw refusal(first.fault)
  return faults
}

/**
 * Puts on record that a log was accepted although anchors spoke against it: one record for each, with both checkpoints.
 * A note that is too long for a record is cut off.
 */
export async function recordAnchorFaults(
  settings: Settings,
  faults: readonly AnchorFault[],
  { anchoring, ...books }: Books & Pick<AnchoredLog, 'anchoring'>,
): Promise<void> {
  for (const { fault, told } of faults) {
    const { note } = told
    const kept = note === undefined ? {} : { anchorCheckpoint: note.slice(0, longestNote) }
    const details = { anchor: told.anchor, ...kept, checkpoint: (await anchoring.current()).checkpoint }
    await putAcceptance(settings, { fault, details }, books)
  }
}

/** So much of a note leaves room in a record for all the rest. */
const longestNote = 2000

async function faultsOf({ origin, keys, view }: AnchoredLog, told: readonly Told[]): Promise<AnchorFault[]> {
  return view.snapshot(async (reader, head) => {
    const publicKeys = (await keys.at(reader)).map(publicKeyOf)
    const faults: AnchorFault[] = []
    for (const one of told) {
      const fault = await faultByAnchor(reader, { head, origin, publicKeys }, one)
      if (fault !== undefined) faults.push({ fault: `the anchor ${one.anchor} says: ${fault}`, told: one })
    }
    return faults
  })
}

function canBeAsked(anchor: Settings['anchors'][number]): anchor is AskedAnchor {
  return typeof anchor.latest === 'function'
}
