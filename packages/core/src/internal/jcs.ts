/** What JCS can express here: no floats, no `undefined`. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

/**
 * The JSON Canonicalization Scheme (RFC 8785), for safe integers only, which is all that records hold. Strings must be
 * well-formed; the keys of objects are ordered by their UTF-16 code units.
 *
 * @throws TypeError for what it cannot express.
 */
export function jcs(value: Json): string {
  if (value === null || typeof value === 'boolean') return String(value)
  if (typeof value === 'string') return quote(value)
  if (typeof value === 'number') return integer(value)
  if (Array.isArray(value)) return `[${(value as readonly Json[]).map(jcs).join(',')}]`
  if (typeof value !== 'object') throw new TypeError(`JCS cannot express a ${typeof value}`)
  const object = value as { readonly [key: string]: Json }
  const members = Object.keys(object).toSorted(byCodeUnits)
  return `{${members.map((key) => `${quote(key)}:${jcs(object[key] as Json)}`).join(',')}}`
}

/** JCS escapes strings as JSON.stringify does (RFC 8785 section 3.2.2.2), lone surrogates apart, which it forbids. */
function quote(text: string): string {
  if (!text.isWellFormed()) throw new TypeError('JCS cannot express a lone surrogate')
  return JSON.stringify(text)
}

function integer(value: number): string {
  if (!Number.isSafeInteger(value)) throw new TypeError('only safe integers are canonical here')
  return Object.is(value, -0) ? '0' : String(value)
}

function byCodeUnits(a: string, b: string): number {
  return a < b ? -1 : 1
}
