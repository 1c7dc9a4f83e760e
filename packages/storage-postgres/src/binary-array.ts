import type { ColumnType, Value } from '@chatelaine/core/storage'
import { oids } from './values.ts'

const headerBytes = 20

/**
 * The values of one column as an array in the server's binary format, in which nothing is escaped and nothing searched.
 *
 * ```text
 * i32 dimensions = 1 · i32 hasNull · i32 type · i32 count · i32 lowerBound = 1 · (i32 length · value)*
 * ```
 *
 * Text is UTF-8, an integer eight bytes, everything big-endian; the length of null is -1. Most columns of rows that are
 * written together hold the same in all of them, which is encoded once.
 */
export function binaryArray(type: ColumnType, values: readonly Value[]): Buffer {
  const copies = values.every((value) => value === values[0]) ? values.length : 1
  const encoded = copies > 1 ? values.slice(0, 1) : values
  const bytes = encoded.reduce<number>((sum, value) => sum + 4 + sizeOf(value), 0)
  const out = Buffer.allocUnsafe(headerBytes + copies * bytes)
  const header = [1, Number(encoded.includes(null)), oids[type], values.length, 1]
  let at = header.reduce((offset, number) => out.writeInt32BE(number, offset), 0)
  for (const value of encoded) at = writeValue(out, at, value)
  return copies > 1 ? out.fill(out.subarray(headerBytes, at), at) : out
}

function sizeOf(value: Value): number {
  if (typeof value === 'string') return Buffer.byteLength(value, 'utf8')
  return typeof value === 'number' ? 8 : (value?.byteLength ?? 0)
}

function writeValue(out: Buffer, offset: number, value: Value): number {
  if (value === null) return out.writeInt32BE(-1, offset)
  const at = offset + 4
  const size = write(out, at, value)
  out.writeInt32BE(size, offset)
  return at + size
}

function write(out: Buffer, at: number, value: string | number | Uint8Array): number {
  if (typeof value === 'string') return out.write(value, at, 'utf8')
  if (typeof value === 'number') {
    out.writeInt32BE(Math.floor(value / 2 ** 32), at)
    out.writeUInt32BE(value >>> 0, at + 4)
    return 8
  }
  out.set(value, at)
  return value.byteLength
}
