import {
  chunkBytes,
  chunkCount,
  maxChunks,
  openedLength,
  prefixBytes,
  sealedChunkBytes,
  type MessageKey,
} from '../crypto/chunked-encryption.ts'
import { allocate, wipe } from '../internal/bytes.ts'
import type { Timers } from '../internal/clock.ts'
import type { Material } from '../stages.ts'
import { bodyOffset } from './header.ts'
import { bodyKey, invalidCiphertext, openSpan, type SealedMessage } from './open.ts'
import type { Suite } from './suite.ts'

/** Some bytes of something. */
export interface Extent {
  /** Where they begin. */
  readonly offset: number
  /** How many they are. */
  readonly length: number
}

/** Which chunks of a message hold a range of its plaintext, and where they lie. */
export interface RangePlan {
  /** How long the plaintext is. */
  readonly plaintextLength: number
  /** The range, as far as there is plaintext. */
  readonly start: number
  readonly end: number
  /** The chunks of the range, from this one up to, not including, that one. */
  readonly first: number
  readonly past: number
  /** Where those lie in the message. */
  readonly chunks: Extent
  /** Where the last chunk lies: only that it is there, and is the last, proves that nothing was cut off. */
  readonly last: Extent
}

/** What must be read of a message of this size; `undefined` where no message has it. */
export function planRange(suite: Suite, size: number, wanted: { start: number; end: number }): RangePlan | undefined {
  const plaintextLength = openedLength(size - bodyOffset(suite))
  if (plaintextLength === undefined || chunkCount(plaintextLength) > maxChunks) return undefined
  const end = Math.min(wanted.end, plaintextLength)
  const start = Math.min(wanted.start, end)
  const first = Math.floor(start / chunkBytes)
  const past = start === end ? first : Math.ceil(end / chunkBytes)
  const begin = bodyOffset(suite) + prefixBytes
  const offsetOf = (chunk: number): number => Math.min(begin + chunk * sealedChunkBytes, size)
  const extent = (from: number, to: number): Extent => ({
    offset: offsetOf(from),
    length: offsetOf(to) - offsetOf(from),
  })
  const count = chunkCount(plaintextLength)
  const chunks = extent(first, past)
  return { plaintextLength, start, end, first, past, chunks, last: extent(count - 1, count) }
}

/** What was read of a message. */
export interface RangePieces {
  readonly chunks: Buffer
  readonly last: Buffer
}

/** Opens a range of a message: every chunk that it lies in, and the last one. @throws InvalidCiphertextError */
export async function openRange(material: Material, range: SealedRange, timers: Timers): Promise<Buffer> {
  const { plan, pieces, head } = range
  if (pieces.chunks.length !== plan.chunks.length || pieces.last.length !== plan.last.length) {
    throw invalidCiphertext('the source has fewer bytes than it should')
  }
  const number = chunkCount(plan.plaintextLength) - 1
  const message = bodyKey(material, head, { number, bytes: pieces.last })
  await opened(message, { sealed: pieces.last, first: number, past: number + 1 }, timers).then(wipe)
  const plaintext = await opened(message, { sealed: pieces.chunks, first: plan.first, past: plan.past }, timers)
  const from = plan.start - plan.first * chunkBytes
  const out = allocate(plan.end - plan.start)
  out.set(plaintext.subarray(from, from + out.length))
  wipe(plaintext)
  return out
}

/** What {@link openRange} opens. */
export interface SealedRange {
  /** The beginning of the message. */
  readonly head: SealedMessage
  readonly plan: RangePlan
  readonly pieces: RangePieces
}

interface Sealed {
  readonly sealed: Buffer
  readonly first: number
  readonly past: number
}

async function opened(message: MessageKey, { sealed, first, past }: Sealed, timers: Timers): Promise<Buffer> {
  const plaintext = allocate((past - first) * chunkBytes)
  try {
    const body = { plaintext, sealed, begins: first }
    await openSpan(message, { body, span: { first, end: past } }, timers)
    return plaintext
  } catch (error) {
    wipe(plaintext)
    throw error
  }
}
