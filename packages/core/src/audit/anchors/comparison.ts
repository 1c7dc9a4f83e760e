import type { Timers } from '../../internal/clock.ts'
import type { StorageReader } from '../../storage/adapter.ts'
import { readCheckpoint, verifyCheckpoint } from '../checkpoint.ts'
import { goesOnFrom } from '../growth.ts'
import type { MarkedLog } from '../mark-check.ts'
import { parseNote } from '../note.ts'
import type { AnchoredCheckpoint, AuditAnchor } from './anchor.ts'

/** What an anchor said when it was asked for its newest checkpoint. */
export interface Told {
  /** Name of the anchor. */
  readonly anchor: string
  /** The checkpoint; `undefined` where it keeps none, or did not say. */
  readonly note?: string | undefined
  /** Why the log cannot be the one that it knows, where it knows so itself. */
  readonly conflict?: string | undefined
  /** Why there is no answer. */
  readonly silence?: string | undefined
}

/** An anchor that can be asked. */
export type AskedAnchor = AuditAnchor & Required<Pick<AuditAnchor, 'latest'>>

/** Asks an anchor for its newest checkpoint, and waits for so long at most. Never throws. */
export async function askAnchor(
  anchor: AskedAnchor,
  log: AnchoredCheckpoint,
  { timers, waitMs }: { readonly timers: Timers; readonly waitMs: number },
): Promise<Told> {
  const controller = new AbortController()
  const { promise, resolve } = Promise.withResolvers<Told>()
  const stop = timers.after(waitMs, () => {
    controller.abort()
    resolve({ anchor: anchor.name, silence: 'it did not answer in time' })
  })
  try {
    return await Promise.race([answerOf(anchor, log, controller.signal), promise])
  } finally {
    stop()
  }
}

async function answerOf(anchor: AskedAnchor, log: AnchoredCheckpoint, signal: AbortSignal): Promise<Told> {
  try {
    const note: unknown = await anchor.latest(log, signal)
    if (note === undefined || typeof note === 'string') return { anchor: anchor.name, note }
    return { anchor: anchor.name, silence: 'it answered with something that is no text' }
  } catch (error) {
    const message = (error instanceof Error ? error.message : String(error)).slice(0, 200)
    const isConflict = typeof error === 'object' && error !== null && Reflect.get(error, 'isAnchorConflict') === true
    return isConflict ? { anchor: anchor.name, conflict: message } : { anchor: anchor.name, silence: message }
  }
}

/**
 * What speaks against a log, by what an anchor told: that it is shorter than the anchor's checkpoint, or did not grow out
 * of it.
 *
 * @returns what is wrong, in words; `undefined` where the log goes on from there, or the anchor keeps nothing of it.
 */
export async function faultByAnchor(
  reader: StorageReader,
  log: MarkedLog,
  { note, conflict }: Told,
): Promise<string | undefined> {
  if (conflict !== undefined || note === undefined) return conflict
  const { head, origin, publicKeys } = log
  const parsed = parseNote(note)
  const kept = parsed === undefined ? undefined : readCheckpoint(parsed)
  const isOurs = kept?.origin === origin && publicKeys.some((key) => verifyCheckpoint(note, kept, key))
  if (!isOurs) return 'what it keeps is no checkpoint of this log'
  if (head.size < kept.size) return `the log has ${head.size} records, and had ${kept.size} at its checkpoint`
  if (await goesOnFrom(reader, kept, head)) return undefined
  return `the log has other records than it had at its checkpoint of ${kept.size}`
}
