import { expect } from 'vitest'
import { encodeContext } from '../../src/envelope/context.ts'
import { InvalidRequestError } from '../../src/errors.ts'

/** The encoding of a context, in hex. */
export const hexOf = (context: unknown): string => encodeContext(context).bytes.toString('hex')

/** Why a context is refused. Fails where it is taken, or refused in another way. */
export function whyNot(context: unknown): string {
  try {
    encodeContext(context)
  } catch (error) {
    if (!(error instanceof InvalidRequestError)) throw error
    expect(error.code).toBe('INVALID_REQUEST')
    const [issue] = error.issues
    expect(error.issues).toEqual([{ path: 'context', message: issue?.message }])
    expect(error.message).toBe(`the encryption context is not valid: ${issue?.message}`)
    return issue?.message as string
  }
  throw new Error('it was taken')
}

/** The encoding written from the specification, to compare with. */
export function encodePlainly(context: Readonly<Record<string, string>>): Buffer {
  const u16 = (value: number): Buffer => Buffer.from([value >> 8, value & 255])
  const pairs = Object.entries(context).map(([key, value]) => [Buffer.from(key), Buffer.from(value)] as const)
  const ordered = pairs.toSorted(([a], [b]) => Buffer.compare(a, b))
  const parts = ordered.flatMap(([key, value]) => [u16(key.length), key, u16(value.length), value])
  return Buffer.concat([u16(pairs.length), ...parts])
}
