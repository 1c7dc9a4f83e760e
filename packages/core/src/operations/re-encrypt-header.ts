import { z } from 'zod'
import { bodyOffset, longestHead } from '../envelope/header.ts'
import { wrapped } from '../envelope/suite.ts'
import type { UseOperation } from '../runtime.ts'
import type { Ciphertext } from './shared/fields.ts'
import { reEncryptFields, type ReEncryptRequest, type ReEncryptResult } from './shared/messages.ts'
import { reEncryptMessage, requireWrapped } from './shared/sealing.ts'

/** The beginning of a message to put under another key, the current version of its own, or another context. */
export interface ReEncryptHeaderRequest extends Omit<ReEncryptRequest, 'ciphertext'> {
  /** The first 128 bytes of what `encryptStream` made, or `encrypt` with `envelope: 'wrapped'`; or their base64url. */
  readonly header: Ciphertext
}

/** The beginning of a message under its new key. */
export interface ReEncryptHeaderResult extends Omit<ReEncryptResult, 'ciphertext'> {
  /** What stands in the place of the old 128 bytes. */
  readonly header: Buffer
}

const length = bodyOffset(wrapped)
const { ciphertext: bytes, ...fields } = reEncryptFields
const header = bytes.refine((value) => value.length === length, `it is not the first ${length} bytes of a message`)
const schema = z.strictObject({ ...fields, header })

/** Re-encrypts a message of any length by the 128 bytes that it begins with. Its body stays as it is. */
export const reEncryptHeader: UseOperation<ReEncryptHeaderRequest, z.output<typeof schema>, ReEncryptHeaderResult> = {
  action: 'reEncrypt',
  effect: 'use',
  schema,
  perform: async ({ header: beginning, ...request }, walk) => {
    requireWrapped(beginning)
    // Zeros stand for the body, which nobody looks at.
    const message = Buffer.concat([beginning], longestHead)
    const { ciphertext, ...result } = await reEncryptMessage(walk, { ...request, ciphertext: message, size: undefined })
    return { header: Buffer.from(ciphertext.subarray(0, length)), ...result }
  },
}
