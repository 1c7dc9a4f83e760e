import {
  ReadableStream,
  type ReadableStreamDefaultReader,
  type TransformStream,
  type WritableStreamDefaultWriter,
} from 'node:stream/web'
import type { AuditRecord, ByteTransform } from '../../src/index.ts'

/** A source of these portions, one at a time. */
export function sourceOf(portions: Iterable<Uint8Array | string>): ReadableStream<Uint8Array> {
  const left = portions[Symbol.iterator]()
  return new ReadableStream<Uint8Array>({
    pull(controller) {
      const { value, done } = left.next()
      if (done === true) controller.close()
      else controller.enqueue(typeof value === 'string' ? Buffer.from(value) : value)
    },
  })
}

/** Everything that comes out of a stream. */
export async function collect(stream: ReadableStream<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for await (const part of stream) parts.push(part)
  return Buffer.concat(parts)
}

/** What comes out of a transform for these portions. */
export async function through(transform: ByteTransform, portions: Iterable<Uint8Array | string>): Promise<Buffer> {
  return collect(sourceOf(portions).pipeThrough(transform as TransformStream<Uint8Array, Uint8Array>))
}

/** What comes out until the stream errors, and with what it does. */
export async function until(stream: ReadableStream<Uint8Array>): Promise<{ out: Buffer; error: unknown }> {
  const parts: Uint8Array[] = []
  try {
    for await (const part of stream) parts.push(part)
    return { out: Buffer.concat(parts), error: undefined }
  } catch (error) {
    return { out: Buffer.concat(parts), error }
  }
}

/** Bytes that differ from place to place. */
export function pattern(length: number, seed = 0): Buffer {
  const bytes = Buffer.alloc(length)
  for (let at = 0; at < length; at++) bytes[at] = at * 31 + seed + (at >> 8)
  return bytes
}

/** Cuts bytes into portions of these lengths, over and over. */
export function* portionsOf(bytes: Buffer, lengths: readonly number[]): Generator<Buffer> {
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const length = Math.max(1, lengths[turn % lengths.length] ?? bytes.length)
    yield bytes.subarray(at, at + length)
    at += length
  }
}

/** The ends of a transform. */
export interface Ends {
  readonly writer: WritableStreamDefaultWriter<Uint8Array>
  readonly reader: ReadableStreamDefaultReader<Uint8Array>
}

/** Both ends of a transform, to be moved by hand. */
export function endsOf(transform: ByteTransform): Ends {
  return { writer: transform.writable.getWriter(), reader: transform.readable.getReader() } as Ends
}

/** A stream that was opened: more than a chunk was written, and `first`, which is what comes out first, was read. */
export async function begun(transform: ByteTransform): Promise<Ends & { readonly first: Uint8Array }> {
  const { writer, reader } = endsOf(transform)
  writer.write(pattern(20_000)).catch(() => undefined)
  const { value: first } = await reader.read()
  return { writer, reader, first: first as Uint8Array }
}

/** How the records of streams begin and end, without what they have in common. */
export function told(records: readonly AuditRecord[]): unknown[] {
  return records.map(({ status, code, details }) => [details?.['streamPart'], code ?? status])
}
