const shape = /^[\x21-\x7e]{1,128}$/

/** The caller's name for its request, or a new one: printable ASCII without spaces, so that no log line breaks on it. */
export function requestIdOf(request: Request): string {
  const given = request.headers.get('x-request-id')
  return given !== null && shape.test(given) ? given : crypto.randomUUID()
}
