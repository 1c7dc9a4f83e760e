import { AbortedError, isKmsError } from '../errors.ts'
import type { StorageReader } from '../storage/adapter.ts'
import { storageFailureOf } from '../storage/errors.ts'
import type { Row } from '../storage/table.ts'
import { checkRecord, isFault } from './audit-record.ts'
import { ChainWalk, checkEnd, Problem, type VerifySource, type WalkStart } from './chain-walk.ts'
import { verifyCheckpoint } from './checkpoint.ts'
import { openHead, type Head } from './head.ts'
import type { MacKeys, Seen } from './head-guard.ts'
import type { Pruned } from './pruned.ts'
import type { Verification, VerifyOptions } from './verification.ts'

/**
 * Reads the chain from the beginning and checks every text against its hash, every hash against the next record, every
 * column against its text, the order of changes, every checkpoint on the way, and at the end the head. Reads in pages,
 * each from a snapshot of its own: memory does not grow with the log.
 */
export async function verifyChain(source: VerifySource, options: VerifyOptions = {}): Promise<Verification> {
  for (let left = mostBeginnings; ; left--) {
    const pruned = await prunedBefore(source)
    const from = Math.max(options.from ?? 0, pruned?.size ?? 0)
    const found = await verifyFrom(source, { from, pruned }, options)
    // What is missing may have been pruned since: then the log begins later.
    if (!found.ok && left > 1 && (await isPrunedBeyond(source, from))) continue
    return pruned === undefined ? found : { ...found, pruned: pruned.size }
  }
}

async function isPrunedBeyond(source: VerifySource, size: number): Promise<boolean> {
  const pruned = await prunedBefore(source)
  return pruned !== undefined && pruned.size > size
}

/** So often a verification begins anew where somebody goes on pruning. */
const mostBeginnings = 10

async function verifyFrom(source: VerifySource, start: WalkStart, options: VerifyOptions): Promise<Verification> {
  const { from } = start
  const seen = source.seen?.()
  const end = notBefore(seen, await endOf(source))
  if (end.head !== undefined && end.beyond === undefined && from >= end.size) {
    const nothing = { records: 0, head: end.head.headHash.toString('hex') }
    if (from === end.size) return { ok: true, ...nothing }
    // Whoever goes on from where a verification ended knows that the log was as long.
    const problem = { expected: `a log of ${from} records`, found: `a log of ${end.size}` }
    return { ok: false, ...nothing, problem: { seq: end.size, kind: 'head', ...problem } }
  }
  const walk = new ChainWalk(source, start, shorterThan(end, seen))
  try {
    if (start.pruned !== undefined) await checkGenesis(source)
    await walkTo(walk, end, { ...options, from, source })
    return { ok: true, records: end.size - from, head: walk.hash.toString('hex') }
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    const checked = Math.max(0, Math.min(error.problem.seq, walk.next) - from)
    return { ok: false, records: checked, head: walk.hash.toString('hex'), problem: error.problem }
  }
}

/** Record 0 stays where a log was pruned, and names it: it is the one that was signed at genesis. @throws Problem */
async function checkGenesis(source: VerifySource): Promise<void> {
  const { tenant, origin, publicKey } = source
  const [row, checkpoint] = await source.snapshot(async (reader) => [
    await reader.get('records', [tenant, 0]),
    await reader.get('checkpoints', [tenant, 1]),
  ])
  if (row === undefined) throw new Problem(0, 'record-missing', { expected: 'a record', found: 'none' })
  const record = checkRecord(row)
  if (isFault(record)) throw new Problem(0, record.kind, record)
  const signed = { origin, size: 1, root: Buffer.from(record.hash, 'hex') }
  const note = String(checkpoint?.['note'])
  if (publicKey !== undefined && verifyCheckpoint(note, signed, publicKey)) return
  throw new Problem(0, 'checkpoint', { expected: 'the record that was signed first', found: 'another' })
}

/** Where the log ends. A head that does not verify may be of a keyring epoch that another process has just begun. */
async function endOf(source: VerifySource): Promise<LogEnd> {
  const end = await source.snapshot(async (reader) => readEnd(reader, source))
  if (end.head !== undefined || source.learn === undefined) return end
  await source.learn().catch(() => undefined)
  return source.snapshot(async (reader) => readEnd(reader, source))
}

/** How far the log was pruned. On a word that does not verify nothing is left out: what is missing shows. */
async function prunedBefore(source: VerifySource): Promise<Pruned | undefined> {
  return source.pruned?.().catch(() => undefined)
}

/** What was seen of a log that is longer by now: its last record is met on the way. */
function shorterThan(end: LogEnd, seen: Seen | undefined): Seen | undefined {
  return seen !== undefined && seen.size < end.size ? seen : undefined
}

/** Reads to the end of the log, page by page, and compares what it came to with the head. @throws Problem */
async function walkTo(walk: ChainWalk, end: LogEnd, how: VerifyOptions & WalkFrom): Promise<void> {
  const { source, from, signal, onProgress } = how
  while (walk.next < end.size) {
    if (signal?.aborted === true) throw new AbortedError('the verification was aborted', { cause: signal.reason })
    const problem = await source.snapshot(async (reader) => pageProblem(walk, reader, end.size)).catch(unreadable(walk))
    if (problem !== undefined) throw problem
    onProgress?.(walk.next - from, end.size - from)
  }
  if (end.beyond !== undefined) {
    throw new Problem(end.size, 'head', { expected: `a log of ${end.size} records`, found: end.beyond })
  }
  checkEnd(walk, end.head, end.size)
}

/** A problem is an answer of the log, not a failure of the storage: it leaves the snapshot as a value. */
async function pageProblem(walk: ChainWalk, reader: StorageReader, size: number): Promise<Problem | undefined> {
  try {
    await walk.page(reader, size)
    return undefined
  } catch (error) {
    if (error instanceof Problem) return error
    throw error
  }
}

/** Rows that the adapter itself cannot read, now or later, were not written by us. */
function unreadable(walk: ChainWalk): (error: unknown) => Problem {
  return (error) => {
    const cause = isKmsError(error, 'STORAGE_UNAVAILABLE') ? error.cause : error
    if (storageFailureOf(cause)?.transient !== false) throw error
    return new Problem(walk.next, 'record-format', { expected: 'rows that can be read', found: 'others' })
  }
}

interface WalkFrom {
  readonly from: number
  readonly source: VerifySource
}

/** The head if it is ours; and how far to read: where there is none, to the last record. */
export async function readEnd(
  reader: StorageReader,
  source: Pick<VerifySource, 'tenant' | 'macKeyOf'>,
): Promise<LogEnd> {
  const newest = async (table: string): Promise<Row | undefined> =>
    (await reader.range(table, { prefix: [source.tenant], order: 'desc', limit: 1 }))[0]
  const [row, record, checkpoint] = [await newest('heads'), await newest('records'), await newest('checkpoints')]
  const end = record === undefined ? 0 : (record['seq'] as number) + 1
  const head = row === undefined ? undefined : openHead(row, (epoch) => keyOrNone(source, epoch))
  if (head === undefined) return { head, size: end, beyond: undefined }
  const signed = checkpoint === undefined ? 0 : (checkpoint['size'] as number)
  if (signed > head.size) return { head, size: head.size, beyond: `a checkpoint of ${signed}` }
  return { head, size: head.size, beyond: end > head.size ? `record ${end - 1}` : undefined }
}

/** A log that is shorter than this process has seen it, or another, was put back or exchanged. */
function notBefore(seen: Seen | undefined, end: LogEnd): LogEnd {
  if (seen === undefined || end.head === undefined) return end
  const same = end.head.size > seen.size || (end.head.size === seen.size && end.head.headHash.equals(seen.headHash))
  return same ? end : { ...end, beyond: `another log than the ${seen.size} records that were seen` }
}

/** A head under an epoch that does not exist is not authentic. */
function keyOrNone(source: Pick<VerifySource, 'macKeyOf'>, epoch: number): ReturnType<MacKeys> | undefined {
  try {
    return source.macKeyOf(epoch)
  } catch {
    return undefined
  }
}

/** Where a log ends, by its head and by its rows. */
export interface LogEnd {
  readonly head: Head | undefined
  readonly size: number
  /** What lies beyond the head, and should not be there. */
  readonly beyond: string | undefined
}
