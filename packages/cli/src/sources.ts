import { createReadStream } from 'node:fs'
import { open, readdir, readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import type { Terminal } from './terminal.ts'

type Chunks = AsyncIterable<Uint8Array | string>

/** Something to verify, by what it begins with. */
export interface Source {
  readonly kind: 'export' | 'inclusion' | 'growth' | 'checkpoint'
  /** All of it, in pieces. */
  readonly chunks: Chunks
}

/** Longest beginning that is looked at. */
const peekBytes = 64
const tileWidth = 256
const lineFeed = Buffer.from('\n')

/** Opens a folder, a file, or `-` for standard input. */
export async function openSource(name: string, { stdin }: Terminal): Promise<Source> {
  if (name === '-') {
    const [first, chunks] = await peeked(stdin)
    return { kind: kindOf(first), chunks }
  }
  if ((await stat(name)).isDirectory()) return { kind: 'export', chunks: await folderOf(name) }
  return { kind: kindOf(await beginningOf(name)), chunks: createReadStream(name) }
}

async function beginningOf(name: string): Promise<string> {
  const handle = await open(name)
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(peekBytes), 0, peekBytes, 0)
    return buffer.toString('utf8', 0, bytesRead)
  } finally {
    await handle.close()
  }
}

/** All of a source, if it is not longer than a proof can be. */
export async function readAll(chunks: Chunks): Promise<string> {
  const parts: Buffer[] = []
  let length = 0
  for await (const chunk of chunks) {
    const part = typeof chunk === 'string' ? Buffer.from(chunk, 'utf8') : Buffer.from(chunk)
    length += part.length
    if (length > 4_000_000) throw new Error('it is too long for a proof or a checkpoint')
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}

/** A text in UTF-8; `undefined` for bytes that are none, which would be taken for another text otherwise. */
export function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

function kindOf(beginning: string): Source['kind'] {
  if (beginning.startsWith('c2sp.org/tlog-proof@')) return 'inclusion'
  if (/^old \d+\n/.test(beginning)) return 'growth'
  return beginning.startsWith('{') ? 'export' : 'checkpoint'
}

/** The beginning of a stream, and all of it. */
async function peeked(chunks: Chunks): Promise<readonly [string, Chunks]> {
  const iterator = chunks[Symbol.asyncIterator]()
  const { value, done } = await iterator.next()
  if (done === true) return ['', noChunks()]
  const first = typeof value === 'string' ? value : Buffer.from(value).toString('utf8', 0, peekBytes)
  return [first, withFirst(value, iterator)]
}

async function* noChunks(): AsyncGenerator<string, void, undefined> {}

async function* withFirst(first: Uint8Array | string, rest: AsyncIterator<Uint8Array | string>): Chunks {
  yield first
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value
}

/** A folder of segments, one after the other; or one of tiles, as if it were a segment. */
async function folderOf(folder: string): Promise<Chunks> {
  const segments = path.join(folder, 'segments')
  const files = await readdir(segments).catch(() => undefined)
  if (files === undefined) return tiles(folder)
  const names = files.filter((file) => /^\d{12}\.jsonl$/.test(file)).toSorted()
  if (names.length === 0) throw new Error(`there are no segments in ${segments}`)
  return filesOf(names.map((file) => path.join(segments, file)))
}

async function* filesOf(files: readonly string[]): Chunks {
  for (const file of files) yield* createReadStream(file)
}

/** The entries of a folder of C2SP tlog-tiles, as the lines of a segment that ends in its checkpoint. */
async function* tiles(folder: string): Chunks {
  const checkpoint = await readFile(path.join(folder, 'checkpoint'), 'utf8')
  const [origin = '', count] = checkpoint.split('\n', 3)
  const to = Number(count)
  const header = { format: 'chatelaine-audit-export/1', from: 0, frontier: '', origin, to }
  for (let next = 0; next < to; next += tileWidth) {
    const width = Math.min(tileWidth, to - next)
    const entries = entriesOf(await readFile(path.join(folder, 'tile', 'entries', tilePath(next / tileWidth, width))))
    if (next === 0) yield `${JSON.stringify({ ...header, tenant: tenantOf(entries[0]?.toString('utf8')) })}\n`
    // As bytes: whoever reads them refuses those that are no text, instead of taking them for another.
    yield Buffer.concat(entries.flatMap((entry) => [entry, lineFeed]))
  }
  yield `${JSON.stringify({ end: { checkpoint, consistency: [] } })}\n`
}

/** A bundle: entries, each behind its length in two bytes. */
function entriesOf(bundle: Buffer): Buffer[] {
  const entries: Buffer[] = []
  for (let place = 0; place + 2 <= bundle.length;) {
    const length = bundle.readUInt16BE(place)
    entries.push(bundle.subarray(place + 2, place + 2 + length))
    place += 2 + length
  }
  return entries
}

function tenantOf(record: string | undefined): string {
  try {
    const { tenant } = JSON.parse(record ?? '') as { tenant?: unknown }
    return String(tenant)
  } catch {
    return ''
  }
}

function tilePath(tile: number, width: number): string {
  const digits = String(tile)
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/\d{3}/g) ?? []
  const file = groups.map((group, i) => (i === groups.length - 1 ? group : `x${group}`)).join('/')
  return width === tileWidth ? file : `${file}.p/${width}`
}
