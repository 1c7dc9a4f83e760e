import { InvalidRequestError } from '@chatelaine/core'

/** A tag as headers write it. */
export function etagOf(tag: string): string {
  return `"${tag}"`
}

/** Whether a request says that it knows what has this tag, if by a weak one: a proxy that compresses makes it weak. */
export function isNamed(request: Request, etag: string): boolean {
  const known = request.headers.get('if-none-match')
  return known !== null && known.split(',').some((one) => ['*', etag, `W/${etag}`].includes(one.trim()))
}

/**
 * Refuses `If-None-Match` beside anything but a reading: a change would be done, whatever it says.
 *
 * @throws InvalidRequestError
 */
export function requireReading({ method, headers }: Request): void {
  if (method === 'GET' || method === 'HEAD' || headers.get('if-none-match') === null) return
  throw new InvalidRequestError('If-None-Match is for what is read: no change takes it')
}

/**
 * The tag that a key must have for a change of it: one, as an answer's `ETag` gave it. `*` asks for nothing more than that
 * there is a key, which every change does.
 *
 * @throws InvalidRequestError for anything else: what was meant as a condition is never passed over
 */
export function ifMatchOf(request: Request): { ifMatch?: string } {
  const given = request.headers.get('if-match')
  if (given === null || given === '*') return {}
  const [, tag] = /^"([\w-]{22})"$/.exec(given) ?? []
  if (tag === undefined) throw new InvalidRequestError('If-Match is one ETag of a key, as an answer gave it')
  return { ifMatch: tag }
}
