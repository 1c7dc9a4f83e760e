import { open, type FileHandle } from 'node:fs/promises'
import { InvalidRequestError } from '../../errors.ts'
import type { AnchoredCheckpoint, AuditAnchor } from './anchor.ts'

/** How a file of checkpoints is kept. */
export interface FileAnchorOptions {
  /** What it is called in `ops.anchors()`. @defaultValue 'file' */
  readonly name?: string | undefined
  /** Least time between two lines, in milliseconds. @defaultValue 60000 */
  readonly everyMs?: number | undefined
}

/** How much of the end is read for the newest checkpoint: thousands of lines. */
const readBytes = 1024 * 1024

/** What a file was when it was last written to. */
interface Seen {
  readonly dev: number
  readonly ino: number
  readonly size: number
}

/**
 * A file to which checkpoints are only appended, a line of JSON each, synced: on another machine's disk, or one that lets
 * nobody write over what is there. Logs that share a file need origins of their own. A file that was cut or exchanged while this process runs is not written to any more.
 *
 * @throws InvalidRequestError for a path that is none.
 * @example
 * ```ts
 * import { fileAnchor } from '@chatelaine/core'
 *
 * const outside = fileAnchor('/mnt/other-machine/kms-checkpoints.jsonl')
 * ```
 */
export function fileAnchor(path: string, { name = 'file', everyMs }: FileAnchorOptions = {}): AuditAnchor {
  if (typeof path !== 'string' || path === '') throw new InvalidRequestError('a file anchor has a path')
  let seen: Seen | undefined
  return {
    name,
    everyMs,
    publish: async (checkpoint, signal) => {
      signal.throwIfAborted()
      const handle = await open(path, 'a', 0o600)
      try {
        seen = await append(handle, checkpoint, seen)
      } finally {
        await handle.close()
      }
      return undefined
    },
    latest: async ({ origin }, signal) => {
      signal.throwIfAborted()
      const lines = await lastLines(path)
      return lines.map(noteIn).findLast((note) => note?.startsWith(`${origin}\n`) === true)
    },
  }
}

/** The lines at the end of the file that are complete; none where there is no file. */
async function lastLines(path: string): Promise<readonly string[]> {
  const handle = await open(path, 'r').catch((error: unknown) => {
    if (error instanceof Error && Reflect.get(error, 'code') === 'ENOENT') return undefined
    throw error
  })
  if (handle === undefined) return []
  try {
    const { size } = await handle.stat()
    const start = Math.max(0, size - readBytes)
    const { buffer, bytesRead } = await handle.read({ buffer: Buffer.alloc(size - start), position: start })
    const lines = buffer.toString('utf8', 0, bytesRead).split('\n')
    // What stands after the last line feed was not written to its end; what a read began within is no line.
    return lines.slice(start === 0 ? 0 : 1, -1)
  } finally {
    await handle.close()
  }
}

function noteIn(line: string): string | undefined {
  try {
    const { checkpoint } = JSON.parse(line) as { readonly checkpoint?: unknown }
    return typeof checkpoint === 'string' ? checkpoint : undefined
  } catch {
    return undefined
  }
}

async function append(handle: FileHandle, checkpoint: AnchoredCheckpoint, seen: Seen | undefined): Promise<Seen> {
  const before = await handle.stat()
  if (seen !== undefined && (before.dev !== seen.dev || before.ino !== seen.ino)) {
    throw new Error('the file of checkpoints was exchanged for another')
  }
  if (seen !== undefined && before.size < seen.size) throw new Error('the file of checkpoints was cut')
  await handle.appendFile(`${JSON.stringify({ checkpoint: checkpoint.checkpoint })}\n`)
  await handle.sync()
  const { dev, ino, size } = await handle.stat()
  return { dev, ino, size }
}
