import { open, readFile, rename, rm } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { systemRandomness } from '../crypto/randomness.ts'
import { InvalidRequestError, RollbackDetectedError } from '../errors.ts'
import { withFileLock } from './file-lock.ts'
import type { HighWaterMark, Mark } from './high-water-mark.ts'

type Marks = ReadonlyMap<string, Mark>

/** What waits to be remembered, and who waits for it. */
interface Advance {
  readonly tenant: string
  readonly mark: Mark
  readonly accepted: Mark | undefined
  readonly resolve: (kept: Mark) => void
  readonly reject: (error: unknown) => void
}

const version = 1

/**
 * A high-water mark in a file, which all tenants of a storage and all processes on a machine share. Beside a SQLite file
 * there is one by itself; elsewhere it is for the host to say where: on another disk than the database, in a folder that
 * only the KMS's user can write to.
 *
 * It is written to a new file that is flushed, takes the place of the old one, and the folder is flushed: a crash leaves
 * the one or the other. A second file, `<path>.lock`, is there while it is written. Its text is JSON:
 *
 * ```text
 * {"v":1,"marks":{"<tenant>":{"size":…,"revision":…,"epoch":…,"headHash":"<hex>","checkpoint":"<C2SP signed note>"}}}
 * ```
 *
 * @param path - the file; its folder has to exist. Back it up with the database, never put an older one in its place.
 * @throws InvalidRequestError when the path cannot be meant.
 * @example
 * ```ts
 * import { fileHighWaterMark, type KmsOptions } from '@chatelaine/core'
 *
 * const highWaterMark: KmsOptions['highWaterMark'] = fileHighWaterMark('/var/lib/kms/kms.mark')
 * ```
 */
export function fileHighWaterMark(path: string): HighWaterMark {
  if (typeof path !== 'string' || path === '' || path.includes('\0')) {
    throw new InvalidRequestError('the path of a high-water mark is a text')
  }
  return new FileMark(resolve(path))
}

class FileMark implements HighWaterMark {
  readonly #path: string
  #waiting: Advance[] = []
  #isWriting = false

  constructor(path: string) {
    this.#path = path
  }

  async read(tenant: string): Promise<Mark | undefined> {
    return (await this.#readAll()).get(tenant)
  }

  async advance(tenant: string, mark: Mark, accepted?: Mark): Promise<Mark> {
    return new Promise((settle, reject) => {
      this.#waiting.push({ tenant, mark, accepted, resolve: settle, reject })
      if (!this.#isWriting) void this.#write()
    })
  }

  /** What gathered while the last was written is written together. */
  async #write(): Promise<void> {
    this.#isWriting = true
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0)
      try {
        const marks = await withFileLock(`${this.#path}.lock`, async () => this.#merge(batch))
        for (const { tenant, resolve: settle } of batch) settle(marks.get(tenant) as Mark)
      } catch (error) {
        for (const { reject } of batch) reject(error)
      }
    }
    this.#isWriting = false
  }

  async #merge(batch: readonly Advance[]): Promise<Marks> {
    const marks = new Map(await this.#readAll())
    let changed = false
    for (const { tenant, mark, accepted } of batch) {
      const known = marks.get(tenant)
      const isAccepted = known !== undefined && known.checkpoint === accepted?.checkpoint
      if (known !== undefined && known.size >= mark.size && !isAccepted) continue
      marks.set(tenant, mark)
      changed = true
    }
    if (changed) await replaceFile(this.#path, textOf(marks))
    return marks
  }

  async #readAll(): Promise<Marks> {
    let text: string
    try {
      text = await readFile(this.#path, 'utf8')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new Map()
      throw error
    }
    const marks = parse(text)
    if (marks !== undefined) return marks
    throw new RollbackDetectedError(`the high-water mark in ${this.#path} cannot be read as one`)
  }
}

function textOf(marks: Marks): string {
  return `${JSON.stringify({ v: version, marks: Object.fromEntries(marks) })}\n`
}

function parse(text: string): Marks | undefined {
  try {
    const { v, marks } = JSON.parse(text) as { v?: unknown; marks?: object }
    const entries = Object.entries(marks ?? {}) as [string, Mark][]
    return v === version && entries.every(([, mark]) => isMark(mark)) ? new Map(entries) : undefined
  } catch {
    return undefined
  }
}

function isMark({ size, revision, epoch, headHash, checkpoint }: Mark): boolean {
  const counts = [size, revision, epoch].every((count) => Number.isSafeInteger(count) && count >= 0)
  return counts && /^[0-9a-f]{64}$/.test(headHash) && typeof checkpoint === 'string'
}

/** A crash leaves the file as it was, or as it becomes, and maybe a temporary one that nobody reads. */
async function replaceFile(path: string, text: string): Promise<void> {
  const temporary = `${path}.${systemRandomness.uuid()}.tmp`
  try {
    const file = await open(temporary, 'wx', 0o600)
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
  await syncFolder(dirname(path))
}

async function syncFolder(path: string): Promise<void> {
  // Windows flushes no folders.
  if (process.platform === 'win32') return
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
