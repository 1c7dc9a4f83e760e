import type { z } from 'zod'
import { LimitExceededError } from '../../errors.ts'
import { limits } from '../../internal/defaults.ts'
import { context, keyReference, plaintext, type EncryptionContext, type Plaintext } from './fields.ts'

/** A value to encrypt so that equal ones are equal encrypted. */
export interface DeterministicEncryptRequest {
  /** A key of spec `AES_256_SIV`: id or name. */
  readonly key: string
  /** The value, at most 16 KiB. A string stands for its UTF-8 bytes. */
  readonly plaintext: Plaintext
  /** Pairs that must be given again to decrypt. Name the column, never the row, or nothing is equal. @defaultValue none */
  readonly context?: EncryptionContext | undefined
}

/** The fields of {@link DeterministicEncryptRequest}, for schemas. */
export const deterministicFields = {
  key: keyReference,
  plaintext: plaintext.transform((bytes) => {
    if (bytes.length <= limits.searchableBytes) return bytes
    throw new LimitExceededError(`deterministic encryption takes at most ${limits.searchableBytes} bytes`)
  }) as z.ZodType<Buffer, Plaintext>,
  context: context.optional(),
}
