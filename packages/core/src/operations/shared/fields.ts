import { z } from 'zod'
import { encodeContext } from '../../envelope/context.ts'
import { LimitExceededError } from '../../errors.ts'
import { fromBase64url } from '../../internal/base64url.ts'
import { allocate, copyBytes, isBytes, lengthOf } from '../../internal/bytes.ts'
import { limits } from '../../internal/defaults.ts'
import { ownOnly } from '../../internal/own.ts'
import { isUuid } from '../../internal/uuid.ts'
import type { EncodedContext } from '../../stages.ts'
import { listOf, wireForms } from './wire-form.ts'

/** Pairs of strings that are authenticated with a message and not stored in it. */
export type EncryptionContext = Readonly<Record<string, string>>

/** Bytes, or a text that stands for its UTF-8 bytes. */
export type Plaintext = Uint8Array | string

/** Bytes, or their canonical base64url. */
export type Ciphertext = Uint8Array | string

const namePattern = /^[A-Za-z0-9/_.-]{1,256}$/
/** Shape of a principal's id: compared exactly, without spaces, wildcards or look-alikes. */
export const principalPattern = /^[A-Za-z0-9][A-Za-z0-9:/_.@+=,|#-]{0,255}$/
const maxOverhead = 200
const maxCiphertextBytes = limits.plaintextBytes + maxOverhead + (Math.ceil(limits.plaintextBytes / 16_384) + 1) * 16

function wellFormed(value: string): boolean {
  return value.isWellFormed() && !value.includes('\0')
}

/** Text for people: well-formed, without NUL, of bounded length. */
export function textOf(length: number): z.ZodType<string, string> {
  return z.string().min(1).max(length).refine(wellFormed, 'it is not well-formed text')
}

/** A name that somebody gives: never in the shape of an id. */
export const name: z.ZodType<string, string> = z
  .string()
  .regex(namePattern, 'a name has 1 to 256 of the characters A-Z a-z 0-9 / _ . -')
  .refine((value) => !isUuid(value.toLowerCase()), 'a name may not have the shape of an id')

/** What callers call a key: an id, a name or an alias. */
export const keyReference: z.ZodType<string, string> = z.string().regex(namePattern, 'a key is named by its id or name')

/** A version of a key. */
export const keyVersion: z.ZodType<number, number> = z.int().min(1).max(0xffff_ffff)

/** A key, or `*` for all of them. */
export const keyOrAll: z.ZodType<string, string> = z.union([z.literal('*'), keyReference])

/** A principal's id: compared exactly, without spaces, wildcards or look-alikes. */
export const principalId: z.ZodType<string, string> = z
  .string()
  .regex(principalPattern, 'a principal has 1 to 256 of the characters A-Z a-z 0-9 : / _ . @ + = , | # -')

/** An id of ours. */
export const id: z.ZodType<string, string> = z.string().refine(isUuid, 'it is not an id')

/** Why something is done. */
export const reason: z.ZodType<string, string> = textOf(256)

/** Encryption context: checked, sorted and encoded at once. */
export const context: z.ZodType<EncodedContext, EncryptionContext | undefined> = z
  .custom<EncryptionContext | undefined>()
  .transform(encodeContext)
  .meta(wireForms.context)

/** Plaintext, copied at once, outside Node's pool. */
export const plaintext: z.ZodType<Buffer, Plaintext> = message(allocate)

/** A message to sign or authenticate, copied at once. It is no secret: a short one may share Node's pool. */
export const signedMessage: z.ZodType<Buffer, Plaintext> = message((length) => Buffer.allocUnsafe(length))

function message(room: (length: number) => Buffer): z.ZodType<Buffer, Plaintext> {
  return z
    .custom<Plaintext>((value) => isBytes(value) || isText(value), 'it is neither a Uint8Array nor a string')
    .transform((value) => {
      const length = typeof value === 'string' ? Buffer.byteLength(value, 'utf8') : lengthOf(value)
      if (length > limits.plaintextBytes) throw tooLong()
      const copy = room(length)
      if (typeof value === 'string') copy.write(value, 'utf8')
      else copy.set(value)
      return copy
    })
    .meta(wireForms.message)
}

/** Ciphertext, copied or decoded at once. */
export const ciphertext: z.ZodType<Buffer, Ciphertext> = z
  .custom<Ciphertext>((value) => isBytes(value) || typeof value === 'string', 'it is neither a Uint8Array nor a string')
  .transform((value) => {
    const length = typeof value === 'string' ? value.length * (3 / 4) : lengthOf(value)
    if (length > maxCiphertextBytes) throw tooLong()
    return typeof value === 'string' ? (fromBase64url(value) ?? notBase64url) : copyBytes(value)
  })
  .meta(wireForms.sealed)

/** Stands for a text that is not canonical base64url, until whoever opens it says so, and is recorded saying so. */
export const notBase64url: Buffer = Buffer.alloc(0)

/** What the caller calls an item of a many-verb. */
export const reference: z.ZodType<string, string> = textOf(256)

function isText(value: unknown): boolean {
  return typeof value === 'string' && value.isWellFormed()
}

function tooLong(): LimitExceededError {
  return new LimitExceededError(`a message holds at most ${limits.plaintextBytes} bytes`)
}

/** The items of a many-verb. */
export function itemsOf<P, Q>(item: z.ZodType<P, Q>): z.ZodType<P[], readonly Q[]> {
  const tooMany = (items: readonly unknown[]): readonly unknown[] => {
    if (items.length > limits.items) throw new LimitExceededError(`one call takes at most ${limits.items} items`)
    return items
  }
  const own = (items: readonly unknown[]): readonly unknown[] => items.map(ownOnly)
  const bounded = z.custom<readonly Q[]>(Array.isArray, 'it is not an array').transform(tooMany).transform(own)
  const list = bounded.pipe(z.array(item)).transform(own).meta(listOf(item, limits.items))
  return list as unknown as z.ZodType<P[], readonly Q[]>
}
