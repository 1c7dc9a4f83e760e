import { parseSegmentLine } from './export-format.ts'
import { ExportWalk } from './export-walk.ts'
import { readKeys, Unverified, verdictOf, type Verdict } from './offline.ts'

/** How to verify an export. */
export interface VerifyExportOptions {
  /** Verifier keys. One of them must have signed a checkpoint of the log, or an earlier key that vouches for later ones. */
  readonly keys: readonly string[]
  /** Gives up when aborted: the iteration throws the signal's reason. */
  readonly signal?: AbortSignal | undefined
  /** Called now and then with how many records are done, and of how many the segment has. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined
}

/** What an export holds, all of it verified. */
export interface VerifiedExport {
  /** Whose log it is. */
  readonly tenant: string
  /** Origin of its checkpoints. */
  readonly origin: string
  /** Place of the first record. */
  readonly from: number
  /** Place after the last record. */
  readonly to: number
  /** Hash of the last record, in hex. */
  readonly head: string
  /** Size of the checkpoint that covers it: the log had at least so many records. */
  readonly size: number
}

/** Longest line that is read: a note has at most a million characters. */
const maxLine = 1_100_000
const progressEvery = 500

/**
 * Verifies exported segments, one or several on end: every record's text, the links between records and between
 * changes, every checkpoint, and that all of it is what the signed checkpoint at the end is of. Needs no storage and no
 * root key, and streams: its memory does not grow with the export.
 *
 * @throws whatever the source throws, and the signal's reason when it aborts: what is wrong with the export is a value.
 * @example
 * ```ts
 * import { createReadStream } from 'node:fs'
 * import { verifyExport } from '@chatelaine/core/verify'
 *
 * const check = async (file: string, key: string): Promise<string> => {
 *   const found = await verifyExport(createReadStream(file), { keys: [key] })
 *   return found.ok ? `${found.to - found.from} records` : found.problem.message
 * }
 * ```
 */
export async function verifyExport(
  source: AsyncIterable<Uint8Array | string>,
  { keys, signal, onProgress }: VerifyExportOptions,
): Promise<Verdict<VerifiedExport>> {
  return verdictOf(async () => {
    const walk = new ExportWalk(readKeys(keys))
    let lines = 0
    for await (const line of linesOf(source)) {
      signal?.throwIfAborted()
      const parsed = parseSegmentLine(line)
      if (parsed === undefined) throw new Unverified('format', `line ${lines + 1} is not of an export`, walk.next)
      walk.line(parsed)
      lines += 1
      const { header } = walk
      if (header !== undefined && lines % progressEvery === 0)
        onProgress?.(walk.next - header.from, header.to - header.from)
    }
    const { size, origin } = walk.finish()
    const tenant = walk.header?.tenant as string
    return { tenant, origin, from: walk.from, to: walk.next, head: walk.hash, size }
  })
}

/** The lines of a text in UTF-8, whole and of bounded length. */
async function* linesOf(source: AsyncIterable<Uint8Array | string>): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  const decode = (chunk: Uint8Array | string | undefined): string => {
    if (typeof chunk === 'string') return chunk
    try {
      return chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true })
    } catch {
      throw new Unverified('format', 'the export is not UTF-8')
    }
  }
  let rest = ''
  for await (const chunk of source) {
    const lines = (rest + decode(chunk)).split('\n')
    rest = lines.pop() as string
    yield* lines
    if (rest.length > maxLine) throw new Unverified('format', 'a line is too long')
  }
  rest += decode(undefined)
  if (rest !== '') throw new Unverified('incomplete', 'the last line is cut off')
}
