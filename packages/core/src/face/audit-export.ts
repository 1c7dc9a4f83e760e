import { createWriteStream } from 'node:fs'
import { mkdir, open, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { checkpointLine, endLine, headerLine } from '../audit/export-format.ts'
import { Frontier } from '../audit/merkle.ts'
import { isConsistent } from '../audit/merkle-proof.ts'
import type { ExportPlan } from '../audit/proofs.ts'
import type { CallOptions } from '../call.ts'
import { leafHash } from '../crypto/hash.ts'
import { InvalidRequestError, StorageTamperedError } from '../errors.ts'
import { exportAudit } from '../operations/export-audit.ts'
import { readAuditTexts } from '../operations/read-audit-texts.ts'
import { TileFolder } from './audit-tiles.ts'
import type { Run } from './run.ts'

/** What of the log to export, and where to. */
export interface AuditExportRequest {
  /** A folder: gets segments, and the tiles of the whole log. Made where it is missing. */
  readonly dir?: string | undefined
  /** A stream instead, which gets one segment and is ended. */
  readonly writable?: NodeJS.WritableStream | undefined
  /** The first record's place. @defaultValue the oldest record that is there */
  readonly from?: number | undefined
  /** The place after the last record. @defaultValue the size of the log */
  readonly to?: number | undefined
  /** Most records in one file of a folder, 256 to 1,048,576. @defaultValue 65536 */
  readonly segmentRecords?: number | undefined
  /** Called now and then with how many records are done, and of how many. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined
}

/** What was exported. */
export interface AuditExport {
  /** Place of the first record. */
  readonly from: number
  /** Place after the last record. */
  readonly to: number
  /** The files of records, below the folder. */
  readonly files: readonly string[]
}

/** Where tiles go. */
export interface TilesExportRequest {
  /** A folder, made where it is missing. */
  readonly dir: string
}

/** What tiles were exported. */
export interface TilesExport {
  /** How many records they span. */
  readonly size: number
  /** The checkpoint that was written beside them. */
  readonly checkpoint: string
}

/** An export that is under way. */
export interface Exporting {
  readonly run: Run
  readonly options: CallOptions | undefined
}

/** How many records are read at a time. */
const pageRecords = 256

/** Exports records into a folder or a stream. The first read is recorded, the others belong to it. */
export async function exportSegments(on: Exporting, request: AuditExportRequest): Promise<AuditExport> {
  const { dir, writable, segmentRecords = 65_536, onProgress, ...range } = request
  if ((dir === undefined) === (writable === undefined)) {
    throw new InvalidRequestError('an export goes into a folder or into a stream')
  }
  if (!Number.isSafeInteger(segmentRecords) || segmentRecords < pageRecords || segmentRecords > 1_048_576) {
    throw new InvalidRequestError('a segment has 256 to 1,048,576 records')
  }
  const whole = await on.run(exportAudit, range, on.options)
  const told = { done: 0, onProgress, total: whole.to - whole.from }
  if (writable !== undefined) {
    await pipeline(Readable.from(segmentLines(on, whole, told)), writable, { signal: on.options?.signal })
    return { from: whole.from, to: whole.to, files: [] }
  }
  const files = await writeSegments(on, whole, { dir: dir as string, segmentRecords, told })
  return { from: whole.from, to: whole.to, files }
}

/** Exports the tree and its entries as C2SP tlog-tiles has them. What is there already and full stays. */
export async function exportTiles(on: Exporting, { dir }: TilesExportRequest): Promise<TilesExport> {
  const plan = await on.run(exportAudit, {}, on.options)
  if (plan.from > 0) throw new InvalidRequestError('records were pruned: tiles are exported of a whole log')
  const folder = new TileFolder(dir)
  const frontier = new Frontier(0, Buffer.alloc(0), (entry) => folder.entry(entry))
  for await (const { texts } of pagesOf(on, plan)) {
    const leaves = texts.map((text) => leafHash(text))
    await folder.bundle(texts, leaves)
    for (const leaf of leaves) frontier.append(leaf)
    await folder.flush()
  }
  if (!isWhole(plan, frontier)) throw unlike()
  await folder.finish(plan.checkpoint)
  return { size: plan.to, checkpoint: plan.checkpoint }
}

async function writeSegments(
  on: Exporting,
  whole: ExportPlan,
  how: { dir: string; segmentRecords: number; told: Told },
): Promise<string[]> {
  await mkdir(path.join(how.dir, 'segments'), { recursive: true })
  const files: string[] = []
  for (let from = whole.from; from < whole.to;) {
    const to = Math.min(whole.to, (Math.floor(from / how.segmentRecords) + 1) * how.segmentRecords)
    const isAll = from === whole.from && to === whole.to
    const plan = isAll ? whole : await on.run.onward(exportAudit, { from, to }, on.options)
    const file = path.join('segments', `${String(from).padStart(12, '0')}.jsonl`)
    await writeWhole(path.join(how.dir, file), segmentLines(on, plan, how.told), on.options?.signal)
    files.push(file)
    from = to
  }
  return files
}

/** Writes a file that is there whole, or not at all. */
async function writeWhole(file: string, lines: AsyncIterable<string>, signal?: AbortSignal): Promise<void> {
  const unfinished = `${file}.part`
  try {
    await pipeline(Readable.from(lines), createWriteStream(unfinished), { signal })
    await sync(unfinished)
    await rename(unfinished, file)
  } catch (error) {
    await rm(unfinished, { force: true })
    throw error
  }
}

async function sync(file: string): Promise<void> {
  const handle = await open(file, 'r+')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

interface Told {
  done: number
  readonly total: number
  readonly onProgress: ((done: number, total: number) => void) | undefined
}

/** The lines of a segment. What it ends in is checked before it is written: an export never holds what does not verify. */
async function* segmentLines(on: Exporting, plan: ExportPlan, told: Told): AsyncGenerator<string, void, undefined> {
  const frontier = new Frontier(plan.from, plan.frontier)
  yield `${headerLine(plan)}\n`
  for await (const { texts, notes } of pagesOf(on, plan)) {
    const lines: string[] = []
    for (const text of texts) {
      frontier.append(leafHash(text))
      lines.push(`${text}\n`)
      const note = notes.get(frontier.size)
      if (note !== undefined && frontier.size <= plan.to) lines.push(`${checkpointLine(note)}\n`)
    }
    told.done += texts.length
    told.onProgress?.(told.done, told.total)
    yield lines.join('')
  }
  if (!isWhole(plan, frontier)) throw unlike()
  yield `${endLine(plan)}\n`
}

async function* pagesOf({ run, options }: Exporting, { from, to }: ExportPlan) {
  for (let next = from; next < to;) {
    // Pages end where tiles end.
    const count = Math.min(to, (Math.floor(next / pageRecords) + 1) * pageRecords) - next
    yield await run.onward(readAuditTexts, { from: next, count }, options)
    next += count
  }
}

function isWhole({ to, size, root, consistency }: ExportPlan, frontier: Frontier): boolean {
  const proof = { from: to, fromRoot: frontier.root(), to: size, toRoot: root, proof: consistency }
  return frontier.size === to && isConsistent(proof)
}

function unlike(): StorageTamperedError {
  return new StorageTamperedError('the stored audit records are not those that the head is of')
}
