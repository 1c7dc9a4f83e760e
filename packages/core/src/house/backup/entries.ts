import { createDigest } from '../../crypto/hash.ts'
import { allocate, asBuffer, copyBytes, wipe } from '../../internal/bytes.ts'
import type { Row, Value } from '../../storage/table.ts'
import { tables } from '../../storage/tables.ts'
import { noArchive } from './header.ts'

/** What an archive is made of. */
export type ArchiveEntry =
  | { readonly kind: 'key'; readonly epoch: number; readonly key: Buffer }
  | { readonly kind: 'row'; readonly table: string; readonly row: Row }
  /** A row whose secret is left out: what there is in its place, and the hash by which the state knows it. */
  | { readonly kind: 'withheld'; readonly table: string; readonly row: Row; readonly hash: string }
  | { readonly kind: 'end'; readonly rows: number; readonly signature: Buffer }

const kinds = { key: 0x4b, row: 0x52, withheld: 0x57, end: 0x45 } as const
const mostBytes = 1024 * 1024
const descriptors = new Map(tables.map((table) => [table.name, table]))

/**
 * An entry as bytes. A keyring key in it is taken over, and wiped.
 *
 * ```text
 * entry    = length u32 ‖ kind u8 ‖ body
 * key      = epoch u32 ‖ keyring key 32
 * row      = JSON([table, [value of each column, in the table's order]]), bytes in base64url
 * withheld = the same, with the hash of the row that it stands for
 * end      = rows u64 ‖ signature 64
 * ```
 */
export function entryBytes(entry: ArchiveEntry): Buffer {
  const body = bodyOf(entry)
  const out = allocate(5 + body.length)
  out.writeUInt32BE(body.length + 1)
  out[4] = kinds[entry.kind]
  out.set(body, 5)
  if (entry.kind === 'key') wipe(body)
  return out
}

function bodyOf(entry: ArchiveEntry): Buffer {
  if (entry.kind === 'key') {
    const body = allocate(36)
    body.writeUInt32BE(entry.epoch)
    body.set(entry.key, 4)
    wipe(entry.key)
    return body
  }
  if (entry.kind === 'end') {
    const rows = Buffer.alloc(8)
    rows.writeBigUInt64BE(BigInt(entry.rows))
    return Buffer.concat([rows, entry.signature])
  }
  const { table, row } = entry
  const columns = Object.keys(descriptors.get(table)?.columns ?? {})
  const values = columns.map((column) => plain(row[column] ?? null))
  return Buffer.from(JSON.stringify(entry.kind === 'row' ? [table, values] : [table, values, entry.hash]), 'utf8')
}

function plain(value: Value): string | number | null {
  return value instanceof Uint8Array ? asBuffer(value).toString('base64url') : value
}

/** Takes opened bytes as they come, and hands out the entries in them, each with the bytes that it was. @throws InvalidCiphertextError */
export async function* entriesOf(
  opened: AsyncIterable<Buffer>,
): AsyncGenerator<{ readonly entry: ArchiveEntry; readonly bytes: Buffer }> {
  let held: Buffer = Buffer.alloc(0)
  for await (const bytes of opened) {
    held = held.length === 0 ? bytes : joined(held, bytes)
    let at = 0
    while (held.length >= at + 4) {
      const length = held.readUInt32BE(at)
      if (length < 1 || length > mostBytes) throw noArchive()
      if (held.length < at + 4 + length) break
      const whole = held.subarray(at, at + 4 + length)
      at += 4 + length
      yield { entry: parse(whole), bytes: whole }
    }
    held = held.subarray(at)
  }
  if (held.length > 0) throw noArchive()
}

/** Keyring keys are among them: nothing stays where it was. */
function joined(...parts: readonly Buffer[]): Buffer {
  const all = Buffer.concat(parts)
  for (const part of parts) wipe(part)
  return all
}

function parse(bytes: Buffer): ArchiveEntry {
  const body = bytes.subarray(5)
  try {
    const kind = bytes[4]
    if (kind === kinds.key) return { kind: 'key', epoch: body.readUInt32BE(), key: copyBytes(body.subarray(4, 36)) }
    if (kind === kinds.row) return { kind: 'row', ...readRow(body) }
    if (kind === kinds.withheld) return { kind: 'withheld', ...readRow(body), hash: hashIn(body) }
    if (kind === kinds.end) {
      return { kind: 'end', rows: Number(body.readBigUInt64BE()), signature: Buffer.from(body.subarray(8)) }
    }
    throw noArchive()
  } catch {
    throw noArchive()
  }
}

function readRow(body: Buffer): { readonly table: string; readonly row: Row } {
  const [table, values] = JSON.parse(body.toString('utf8')) as [string, (string | number | null)[]]
  const descriptor = descriptors.get(table)
  const columns = Object.entries(descriptor?.columns ?? {})
  if (descriptor === undefined || columns.length !== values.length) throw noArchive()
  const row = columns.map(([name, { type }], at): [string, Value] => {
    const value = values[at] ?? null
    return [name, type === 'bytes' && typeof value === 'string' ? Buffer.from(value, 'base64url') : value]
  })
  return { table, row: Object.fromEntries(row) }
}

function hashIn(body: Buffer): string {
  return String((JSON.parse(body.toString('utf8')) as unknown[])[2])
}

/** What the signature of an archive is over: the header, and every entry before the last. */
export class ArchiveDigest {
  readonly #digest = createDigest()

  constructor(header: Buffer) {
    this.#digest.update('chatelaine/backup/v1\0')
    this.#digest.update(header)
  }

  /** Takes the next entry. */
  add(entry: Buffer): void {
    this.#digest.update(entry)
  }

  /** SHA-256 over all of it. */
  end(): Buffer {
    return this.#digest.digest()
  }
}
