/** What a record's text says, before anybody has believed a word of it. */
export type Said = Readonly<Record<string, unknown>>

/** A row that a change touched, as its record names it. */
export interface SaidTouch {
  readonly table: string
  readonly key: readonly unknown[]
  readonly rev: number
}

/** The text as an object, or `undefined` where it is none. */
export function parseText(text: string): Said | undefined {
  try {
    return asObject(JSON.parse(text))
  } catch {
    return undefined
  }
}

/** The value as an object, or `undefined` where it is none. */
export function asObject(value: unknown): Said | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Said) : undefined
}

/** The value as a row that was touched, or `undefined` where it is none. */
export function asTouch(value: unknown): SaidTouch | undefined {
  const said = asObject(value)
  const isTouch = typeof said?.['table'] === 'string' && Array.isArray(said['key']) && Number.isSafeInteger(said['rev'])
  return isTouch ? (said as unknown as SaidTouch) : undefined
}

/** The canonical text of a JSON value (RFC 8785): members in the order of their UTF-16 units, no space. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  const object = asObject(value)
  if (object === undefined) return JSON.stringify(value)
  const members = Object.keys(object)
    .toSorted()
    .map((name) => `${JSON.stringify(name)}:${canonical(object[name])}`)
  return `{${members.join(',')}}`
}
