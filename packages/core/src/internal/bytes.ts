import { types } from 'node:util'

/** Whether a value really is a Uint8Array whose memory is there: not a proxy, an imitation, or one that was transferred. */
export function isBytes(value: unknown): value is Uint8Array {
  return types.isUint8Array(value) && !('detached' in value.buffer && value.buffer.detached)
}

const typedArray = Object.getPrototypeOf(Uint8Array.prototype) as object

/** How many bytes there really are, whatever a subclass says. */
export function lengthOf(bytes: Uint8Array): number {
  return Reflect.get(typedArray, 'byteLength', bytes) as number
}

/** Up to this length V8 keeps the bytes of an array in its own heap, unless the array is made of a buffer. */
const inHeapBytes = 64

/**
 * A fresh buffer outside Node's shared pool, for what must be wiped or must not share memory. Contents undefined.
 *
 * Its bytes stay in one place for as long as it lives. Those of a small array would be in V8's heap: the collector moves
 * them, the first call that hands them to OpenSSL copies them out, and no wiping reaches what is left behind.
 */
export function allocate(length: number): Buffer {
  return length <= inHeapBytes ? Buffer.from(new ArrayBuffer(length)) : Buffer.allocUnsafeSlow(length)
}

/** A copy outside the pool, taken at once: later changes of the source do not show. */
export function copyBytes(source: Uint8Array): Buffer {
  const copy = allocate(lengthOf(source))
  copy.set(source)
  return copy
}

/** The UTF-8 bytes of a string, outside the pool. */
export function utf8(text: string): Buffer {
  const bytes = allocate(Buffer.byteLength(text, 'utf8'))
  bytes.write(text, 'utf8')
  return bytes
}

/** The same bytes as a Buffer, without copying. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** Overwrites bytes with zeros. */
export function wipe(bytes: Uint8Array): void {
  bytes.fill(0)
}

/** Giving back so little takes longer than it helps. */
const fewBytes = 1024

/**
 * Gives the memory of bytes back at once that are the only ones in it and that nobody uses any more. Buffers of many
 * KiB that wait for the collector make it run often, and what runs next finds its memory cold.
 */
export function release(bytes: Uint8Array<ArrayBuffer>): void {
  if (bytes.byteLength > fewBytes && bytes.byteLength === bytes.buffer.byteLength) bytes.buffer.transfer(0)
}

/** Wipes every byte array in a result: its own properties, and those of the objects and arrays in it. */
export function wipeDeep(value: unknown): void {
  if (typeof value !== 'object' || value === null) return
  if (value instanceof Uint8Array) return wipe(value)
  const inner: unknown[] = Array.isArray(value) ? value : Object.values(value)
  for (let at = 0; at < inner.length; at++) wipeDeep(inner[at])
}

/** How many bytes a result holds on to, counted the same way as {@link wipeDeep} walks. */
export function byteSize(value: unknown): number {
  if (value instanceof Uint8Array) return value.byteLength
  if (typeof value === 'string') return value.length
  if (typeof value !== 'object' || value === null) return 0
  let size = 0
  const inner: unknown[] = Array.isArray(value) ? value : Object.values(value)
  for (let at = 0; at < inner.length; at++) size += byteSize(inner[at])
  return size
}
