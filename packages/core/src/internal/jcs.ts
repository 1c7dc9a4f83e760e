/** What JCS can express: no `undefined`. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

/**
 * The JSON Canonicalization Scheme (RFC 8785). Strings must be well-formed; the keys of objects are ordered by their
 * UTF-16 code units; numbers are written as ECMAScript does.
 *
 * @param numberText - how numbers are written: {@link integer} for what holds no others.
 * @throws TypeError for what it cannot express.
 */
export function jcs(value: Json, numberText: (value: number) => string = decimal): string {
  if (typeof value === 'string') return quote(value)
  if (typeof value === 'number') return numberText(value)
  if (value === null || typeof value === 'boolean') return String(value)
  if (Array.isArray(value)) {
    let text = '['
    for (const each of value as readonly Json[]) text += `${text === '[' ? '' : ','}${jcs(each, numberText)}`
    return `${text}]`
  }
  if (typeof value !== 'object') throw new TypeError(`JCS cannot express a ${typeof value}`)
  const object = value as { readonly [key: string]: Json }
  const members = Object.keys(object).toSorted(byCodeUnits)
  return `{${members.map((key) => `${quote(key)}:${jcs(object[key] as Json, numberText)}`).join(',')}}`
}

/** JCS escapes strings as JSON.stringify does (RFC 8785 section 3.2.2.2), lone surrogates apart, which it forbids. */
function quote(text: string): string {
  if (!text.isWellFormed()) throw new TypeError('JCS cannot express a lone surrogate')
  return JSON.stringify(text)
}

function decimal(value: number): string {
  if (!Number.isFinite(value)) throw new TypeError('JCS cannot express a number that is not finite')
  return JSON.stringify(value)
}

/** A safe integer, as text: all that records and rows hold. @throws TypeError for any other number. */
export function integer(value: number): string {
  if (!Number.isSafeInteger(value)) throw new TypeError('only safe integers are canonical here')
  return Object.is(value, -0) ? '0' : String(value)
}

function byCodeUnits(a: string, b: string): number {
  return a < b ? -1 : 1
}
