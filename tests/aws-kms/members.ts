import { missing } from './keys.ts'
import { WireError } from './wire.ts'

type Input = Readonly<Record<string, unknown>>

/** A blob of a request: standard base64 with padding. @throws WireError */
export function blob(input: Input, member: string, most: number): Buffer {
  const value = input[member]
  const name = `${member.slice(0, 1).toLowerCase()}${member.slice(1)}`
  if (value === undefined || value === null) throw missing(name)
  if (typeof value !== 'string') throw new WireError('SerializationException')
  const bytes = Buffer.from(value, 'base64')
  if (bytes.toString('base64') !== value) throw new WireError('SerializationException')
  const within = bytes.length >= 1 && bytes.length <= most
  if (within) return bytes
  const bound = bytes.length < 1 ? 'greater than or equal to 1' : `less than or equal to ${most}`
  const told = `Value at '${name}' failed to satisfy constraint: Member must have length ${bound}`
  throw new WireError('ValidationException', `1 validation error detected: ${told}`)
}

/**
 * The encryption context as it is authenticated: sorted, each part with its length, so that no two contexts come to the
 * same bytes.
 */
export function context(input: Input): Buffer {
  const value = input['EncryptionContext'] ?? {}
  if (typeof value !== 'object' || Array.isArray(value)) throw new WireError('SerializationException')
  const pairs = Object.entries(value as Record<string, unknown>).map(([key, text]) => {
    if (typeof text !== 'string') throw new WireError('SerializationException')
    return [Buffer.from(key, 'utf8'), Buffer.from(text, 'utf8')] as const
  })
  const parts = pairs.toSorted(([a], [b]) => Buffer.compare(a, b)).flat()
  return Buffer.concat(
    parts.flatMap((part) => {
      const length = Buffer.alloc(4)
      length.writeUInt32BE(part.length)
      return [length, part]
    }),
  )
}
