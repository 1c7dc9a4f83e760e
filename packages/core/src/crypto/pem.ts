import { InvalidRequestError } from '../errors.ts'
import { allocate, wipe } from '../internal/bytes.ts'

/**
 * One object in PEM (RFC 7468), unencrypted, as DER. Without regular expressions, which remember the last text that
 * they matched for as long as the process lives. @throws InvalidRequestError
 */
export function derOfPem(text: string, label: 'PRIVATE' | 'PUBLIC'): Buffer {
  const lines = text.split('\n').map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line))
  if (lines.at(-1) === '') lines.pop()
  const [first, last] = [lines.shift(), lines.pop()]
  if (first !== `-----BEGIN ${label} KEY-----` || last !== `-----END ${label} KEY-----`) {
    throw new InvalidRequestError(`it is not one unencrypted PEM text labelled ${label} KEY`)
  }
  const base64 = lines.join('')
  const room = allocate(Math.ceil((base64.length * 3) / 4))
  const der = room.subarray(0, room.write(base64, 'base64'))
  if (der.toString('base64') === base64 && der.length > 0) return der
  wipe(room)
  throw new InvalidRequestError('the PEM text is not canonical base64')
}
