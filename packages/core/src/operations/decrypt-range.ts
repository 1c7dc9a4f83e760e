import { z } from 'zod'
import { wireForms } from './shared/wire-form.ts'
import { emptyContext } from '../envelope/context.ts'
import { invalidCiphertext } from '../envelope/open.ts'
import { openRange, planRange, type RangePieces } from '../envelope/range.ts'
import { LimitExceededError } from '../errors.ts'
import { asBuffer, isBytes } from '../internal/bytes.ts'
import { limits } from '../internal/defaults.ts'
import type { UseOperation } from '../runtime.ts'
import type { Ciphertext } from './shared/fields.ts'
import { decryptDataKeyFields, type DecryptRequest, type DecryptResult } from './shared/messages.ts'
import { openSealedFor } from './shared/opening.ts'

/** Reads some bytes of a ciphertext: exactly `length` of them, from `offset` on. */
export type ReadAt = (offset: number, length: number) => Promise<Uint8Array>

/** A range of a message to decrypt. */
export interface DecryptRangeRequest extends Omit<DecryptRequest, 'ciphertext' | 'algorithm'> {
  /** The whole ciphertext, or what reads pieces of it. */
  readonly ciphertext: Uint8Array | ReadAt
  /** How long the whole ciphertext is. Needed where it is read in pieces. @defaultValue the length of the bytes */
  readonly size?: number | undefined
  /** The first byte of plaintext. @defaultValue 0 */
  readonly start?: number | undefined
  /** One past the last byte; beyond the end of the plaintext it stands for that. @defaultValue the end */
  readonly end?: number | undefined
}

/** A range of a decrypted message. */
export interface DecryptRangeResult extends DecryptResult {
  /** How long the whole plaintext is: verified, too. */
  readonly plaintextLength: number
}

/** A {@link DecryptRangeRequest} with the pieces that were read for it. */
export interface GatheredRange extends Omit<DecryptRangeRequest, 'ciphertext'> {
  /** The beginning of the message. */
  readonly ciphertext: Ciphertext
  readonly size: number
  readonly start: number
  readonly end: number
  /** The chunks of the range, and the last one; `undefined` where the beginning is not that of a message. */
  readonly pieces?: RangePieces | undefined
}

const position = z.int().min(0)
/** Bytes that were read for this call alone. */
const piece = z.custom<Buffer>(isBytes, 'it is not a Uint8Array').transform(asBuffer).meta(wireForms.bytes)
const schema = z
  .strictObject({
    ...decryptDataKeyFields,
    size: position,
    start: position,
    end: position,
    pieces: z.strictObject({ chunks: piece, last: piece }).optional(),
  })
  .refine(({ start, end }) => start <= end, { path: ['end'], message: 'it is before the start' })

/** Decrypts a range of a message, without the chunks that lie before and after it. */
export const decryptRange: UseOperation<GatheredRange, z.output<typeof schema>, DecryptRangeResult> = {
  action: 'decrypt',
  effect: 'use',
  schema,
  perform: async (request, walk) => {
    const { size, start, end, pieces, ciphertext: message, context = emptyContext } = request
    walk.note({ size, start, end })
    const { material, suite } = await openSealedFor(walk, request)
    const plan = planRange(suite, size, { start, end })
    if (plan === undefined || pieces === undefined) throw invalidCiphertext('no message has this length')
    if (plan.end - plan.start > limits.plaintextBytes) {
      throw new LimitExceededError(`a range holds at most ${limits.plaintextBytes} bytes`)
    }
    const head = { message, suite, context }
    const plaintext = await openRange(material, { head, plan, pieces }, walk.tools.timers)
    const { keyId, keyVersion } = material
    return { plaintext, keyId, keyVersion, plaintextLength: plan.plaintextLength }
  },
}
