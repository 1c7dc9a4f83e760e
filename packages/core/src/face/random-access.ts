import { aborted } from '../audit/queue.ts'
import { longestHead, parseHeader } from '../envelope/header.ts'
import { planRange, type Extent } from '../envelope/range.ts'
import { InvalidRequestError, LimitExceededError } from '../errors.ts'
import { copyBytes, isBytes, lengthOf } from '../internal/bytes.ts'
import { limits } from '../internal/defaults.ts'
import { unlessAborted } from '../internal/patience.ts'
import type { DecryptRangeRequest, GatheredRange, ReadAt } from '../operations/decrypt-range.ts'
import { requireObject } from './text.ts'

/**
 * Reads what a range needs, before anything is asked of the KMS: so that nobody waits for somebody else's disk while
 * holding a place in the log. Whether the bytes are what they should be shows when they are opened.
 *
 * @throws InvalidRequestError, LimitExceededError, AbortedError, and whatever the source throws
 */
export async function gather(request: DecryptRangeRequest, signal: AbortSignal | undefined): Promise<GatheredRange> {
  const {
    ciphertext,
    size: told,
    start = 0,
    end = Number.MAX_SAFE_INTEGER,
    ...rest
  } = requireObject(request, 'request')
  const { read, size } = sourceOf(ciphertext, told)
  for (const position of [size, start, end]) requirePosition(position)
  if (start > end) throw new InvalidRequestError('the end of the range is before its start')
  const get = async ({ offset, length }: Extent): Promise<Buffer> => {
    const bytes = await unlessAborted(read(offset, length), signal, {
      aborted: () => aborted(signal),
      discard: () => undefined,
    })
    if (!isBytes(bytes)) throw new InvalidRequestError('the source does not give a Uint8Array')
    return copyBytes(bytes)
  }
  const head = await get({ offset: 0, length: Math.min(size, longestHead) })
  const suite = parseHeader(head)?.suite
  const plan = suite === undefined ? undefined : planRange(suite, size, { start, end })
  if (plan === undefined) return { ...rest, ciphertext: head, size, start, end, pieces: undefined }
  if (plan.end - plan.start > limits.plaintextBytes) {
    throw new LimitExceededError(`a range holds at most ${limits.plaintextBytes} bytes`)
  }
  const pieces = { chunks: await get(plan.chunks), last: await get(plan.last) }
  return { ...rest, ciphertext: head, size, start, end, pieces }
}

interface Source {
  readonly read: ReadAt
  readonly size: number
}

function sourceOf(ciphertext: unknown, size: number | undefined): Source {
  if (isBytes(ciphertext)) {
    const length = lengthOf(ciphertext)
    if (size !== undefined && size !== length) throw new InvalidRequestError('size is not the length of the ciphertext')
    return { read: async (offset, count) => ciphertext.subarray(offset, offset + count), size: length }
  }
  if (typeof ciphertext !== 'function') {
    throw new InvalidRequestError('the ciphertext is neither a Uint8Array nor a function that reads one')
  }
  if (size === undefined) throw new InvalidRequestError('a ciphertext that is read in pieces needs its size')
  return { read: async (offset, count) => (count === 0 ? empty : (ciphertext as ReadAt)(offset, count)), size }
}

const empty = new Uint8Array(0)

function requirePosition(value: unknown): void {
  if (!Number.isSafeInteger(value) || (value as number) < 0) {
    throw new InvalidRequestError('size, start and end are whole numbers from 0 up')
  }
}
