import { z } from 'zod'

// Results as JSON has them. `x-wire` says what the client makes of a member.
/** A text. */
export const text = z.string()
/** A whole number. */
export const count = z.int()
/** True or false. */
export const flag = z.boolean()
/** Bytes. */
export const bytes = text.meta({ contentEncoding: 'base64', 'x-wire': 'bytes' })
/** A time. */
export const date = text.meta({ format: 'date-time', 'x-wire': 'date' })
/** Pairs of texts. */
export const pairs = z.record(text, text)

/** The schema of a result: a member for each that the library's own type has, and no others. */
export const shape =
  <T>() =>
  <S extends { readonly [K in keyof T]-?: z.ZodType }>(
    members: S & { readonly [K in Exclude<keyof S, keyof T>]: never },
  ): z.ZodObject<S> =>
    z.strictObject(members as unknown as S)

/** A page of a list. */
export const pageOf = (item: z.ZodType): z.ZodType => z.strictObject({ items: z.array(item), cursor: text.optional() })

const itemError = z
  .looseObject({ code: text, message: text, retryable: flag })
  .meta({ description: 'The error of one item.', 'x-wire': 'error' })

/** The result of a many-verb: of each item its result, or its error. */
export const manyOf = (item: z.ZodObject): z.ZodType => {
  const done = item.extend({ ok: z.literal(true), reference: text.optional() })
  const failed = z.strictObject({ ok: z.literal(false), reference: text.optional(), error: itemError })
  return z.strictObject({ items: z.array(z.union([done, failed])) })
}
