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

/** What a file was when it was last written to. */
interface Seen {
  readonly dev: number
  readonly ino: number
  readonly size: number
}

/**
 * A file to which checkpoints are only appended, a line of JSON each, synced: on another machine's disk, or one that lets
 * nobody write over what is there. A file that was cut or exchanged while this process runs is not written to any more.
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
