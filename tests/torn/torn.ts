import { createKms, isKmsError, localRootKey, type Mark } from '@chatelaine/core'
import { fakeClock } from '@chatelaine/core/testing'
import { tables } from '@chatelaine/core/storage'
import { sqliteStorage } from '@chatelaine/storage-sqlite'
import Database from 'better-sqlite3'
import { createHash } from 'node:crypto'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'

const rootKey = localRootKey('000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f')

/** A database most of which is in its write-ahead log, as a machine leaves it that loses power. */
export interface Torn {
  readonly folder: string
  readonly main: Buffer
  readonly wal: Buffer
  /** The last mark, which lies before the end. */
  readonly mark: Mark
  /** Hashes of the records, in their order. */
  readonly hashes: readonly string[]
}

/** What a damaged copy came to. */
export interface Finding {
  readonly kind: 'refused' | 'refused by the mark' | 'whole' | 'a prefix' | 'WRONG'
  readonly why: string
}

/** Makes a database, and takes its files away while it is open. */
export async function tear(folder: string, operations: number): Promise<Torn> {
  const file = path.join(folder, 'made.db')
  const clock = fakeClock()
  const marks: Mark[] = []
  const highWaterMark = { read: async () => marks.at(-1), advance: async (_: string, mark: Mark) => keep(marks, mark) }
  const kms = await createKms({ storage: sqliteStorage(file), rootKey, highWaterMark, clock, timers: clock })
  const key = 'orders'
  await kms.keys.create({ name: key, spec: 'AES_256' })
  for (let done = 0; done < operations; done++) {
    // Marks are advanced by the second: the last one is made when three quarters are done.
    if (done * 4 <= operations * 3) clock.advance(1000)
    if (done % 16 === 9) await kms.keys.rotate({ key })
    else if (done % 16 === 13) await kms.grants.upsert({ principal: `p${done}`, key, operations: ['decrypt'] })
    else await kms.encrypt({ key, plaintext: 'x' })
  }
  const taken = { main: readFileSync(file), wal: readFileSync(`${file}-wal`), mark: marks.at(-1) as Mark }
  await kms.close()
  const whole = { folder, ...taken, hashes: [] }
  return { ...whole, hashes: await hashesIn(put(whole, taken)) }
}

function keep(marks: Mark[], mark: Mark): Mark {
  marks.push(mark)
  return mark
}

/** Puts files in the place where copies are opened. */
function put({ folder }: Pick<Torn, 'folder'>, files: { readonly main: Buffer; readonly wal: Buffer }): string {
  const file = path.join(folder, 'copy.db')
  for (const suffix of ['', '-wal', '-shm', '.mark']) rmSync(`${file}${suffix}`, { force: true })
  writeFileSync(file, files.main, { mode: 0o600 })
  writeFileSync(`${file}-wal`, files.wal, { mode: 0o600 })
  return file
}

async function hashesIn(file: string): Promise<string[]> {
  const storage = sqliteStorage({ filename: file, migrate: false })
  await storage.open(tables)
  try {
    return await storage.snapshot(async (reader) => {
      const hashes: string[] = []
      for (;;) {
        const rows = await reader.range('records', { prefix: ['default'], after: [hashes.length - 1], limit: 1000 })
        hashes.push(...rows.map((row) => Buffer.from(row['hash'] as Uint8Array).toString('hex')))
        if (rows.length < 1000) return hashes
      }
    })
  } finally {
    await storage.close()
  }
}

/** Every so manieth damaged copy is looked at in full, whatever is known of its like. */
const alwaysEvery = 64

/**
 * Looks at many damaged copies. SQLite makes the same database of most of them: all that are cut within one transaction.
 * So each is opened by SQLite alone first, and by a KMS where nothing like it was seen before, and now and then anyway.
 */
export class Lookout {
  readonly #torn: Torn
  readonly #known = new Map<string, Finding>()
  #looked = 0

  constructor(torn: Torn) {
    this.#torn = torn
  }

  /** How many different databases there were. */
  get different(): number {
    return this.#known.size
  }

  /** What a damaged copy shows. */
  async look(files: { readonly main: Buffer; readonly wal: Buffer }): Promise<Finding> {
    const made = recovered(put(this.#torn, files))
    const known = made === undefined ? undefined : this.#known.get(made)
    this.#looked += 1
    if (known !== undefined && this.#looked % alwaysEvery !== 0) return known
    const found = await look(this.#torn, files)
    if (made !== undefined) this.#known.set(made, found)
    if (known === undefined || known.kind === found.kind) return found
    return { kind: 'WRONG', why: `what SQLite makes the same of is ${known.kind} and ${found.kind}` }
  }
}

/** A name for what SQLite makes of a copy, all of it; `undefined` where it makes nothing of it. */
function recovered(file: string): string | undefined {
  try {
    const db = new Database(file)
    try {
      db.pragma('synchronous = off')
      db.pragma('wal_checkpoint(truncate)')
    } finally {
      db.close()
    }
    return createHash('sha256').update(readFileSync(file)).digest('hex')
  } catch {
    return undefined
  }
}

/** Opens a damaged copy as a KMS would be, and says what it shows. */
export async function look(torn: Torn, files: { readonly main: Buffer; readonly wal: Buffer }): Promise<Finding> {
  const file = put(torn, files)
  const highWaterMark = { read: async () => torn.mark, advance: async (_: string, mark: Mark) => mark }
  const refusal = await codeOf(async () => open(file, { highWaterMark }))
  if (refusal !== undefined && refusal !== 'ROLLBACK_DETECTED') return { kind: 'refused', why: refusal }
  const copy = put(torn, files)
  const shown = await open(copy, { highWaterMark: false }).catch((error: unknown) => error)
  if (typeof shown !== 'number') return { kind: 'refused', why: String(shown) }
  const isPrefix = JSON.stringify(await hashesIn(put(torn, files))) === JSON.stringify(torn.hashes.slice(0, shown))
  if (!isPrefix) return { kind: 'WRONG', why: `${shown} records, and not those that were committed` }
  const isShort = shown < torn.mark.size
  if (isShort !== (refusal === 'ROLLBACK_DETECTED')) {
    return { kind: 'WRONG', why: `${shown} records, a mark of ${torn.mark.size}, and ${refusal ?? 'no refusal'}` }
  }
  if (isShort) return { kind: 'refused by the mark', why: `${shown} of ${torn.mark.size} records` }
  return { kind: shown === torn.hashes.length ? 'whole' : 'a prefix', why: `${shown} records` }
}

type Marking = Pick<Parameters<typeof createKms>[0], 'highWaterMark'>

/** How many records a database shows whose log verifies. @throws whatever is wrong with it */
async function open(file: string, marking: Marking): Promise<number> {
  const kms = await createKms({ storage: sqliteStorage(file), rootKey, ...marking })
  try {
    const found = await kms.audit.verify()
    if (!found.ok) throw new Error(`the log does not verify: ${found.problem.kind}`)
    await kms.keys.get({ key: 'orders' })
    return found.records
  } finally {
    await kms.close()
  }
}

async function codeOf(work: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await work()
    return undefined
  } catch (error) {
    return isKmsError(error) ? error.code : String(error)
  }
}

/** Where a log is cut: at every so manieth byte. */
export function* cuts({ main, wal }: Torn, every: number): Generator<{ main: Buffer; wal: Buffer }> {
  for (let at = 0; at < wal.length; at += every) yield { main, wal: wal.subarray(0, at) }
}

/** Single bits of log and main file that are others, the same in each run. */
export function* flips({ main, wal }: Torn, count: number): Generator<{ main: Buffer; wal: Buffer }> {
  for (let index = 0; index < count; index++) {
    const bit = (index * 2_654_435_761) % (8 * (main.length + wal.length))
    const at = Math.floor(bit / 8)
    const both = { main: Buffer.from(main), wal: Buffer.from(wal) }
    const [file, place] = at < main.length ? [both.main, at] : [both.wal, at - main.length]
    file[place] = (file[place] as number) ^ (1 << (bit % 8))
    yield both
  }
}
