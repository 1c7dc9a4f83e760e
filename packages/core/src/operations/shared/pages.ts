import { z } from 'zod'
import { InvalidRequestError } from '../../errors.ts'
import { fromBase64url, toBase64url } from '../../internal/base64url.ts'
import type { Page } from '../../runtime.ts'
import type { Value } from '../../storage/table.ts'

/** Which page of a list. */
export interface PageRequest {
  /** Most items of the page, 1 to 500. @defaultValue 100 */
  readonly limit?: number | undefined
  /** What the page before gave. Opaque. */
  readonly cursor?: string | undefined
}

/** The fields of {@link PageRequest}, for schemas. */
export const pageFields = {
  limit: z.int().min(1).max(500).optional(),
  cursor: z.string().max(4096).optional(),
}

/** Length of a page that nobody asked otherwise. */
export const defaultPageLimit = 100

/** A page of `rows`, which were read with one more than `limit`. */
export function pageOf<R, T>(rows: readonly R[], limit: number, how: PageMaker<R, T>): Page<T> {
  const items = rows.slice(0, limit)
  const last = items.at(-1)
  const more = rows.length > limit && last !== undefined
  return { items: items.map(how.item), ...(more ? { cursor: encodeCursor(how.place(last)) } : {}) }
}

/** How a page is made of rows. */
export interface PageMaker<R, T> {
  readonly item: (row: R) => T
  /** Where the next page begins: after this. */
  readonly place: (row: R) => readonly Value[]
}

/** Text of a place. */
export function encodeCursor(place: readonly Value[]): string {
  return toBase64url(Buffer.from(JSON.stringify(place), 'utf8'))
}

/** The place that a cursor names, of columns of these types. @throws InvalidRequestError */
export function decodeCursor(
  cursor: string | undefined,
  types: readonly ('string' | 'number')[],
): readonly (string | number)[] | undefined {
  if (cursor === undefined) return undefined
  const place = parse(fromBase64url(cursor))
  const fits = Array.isArray(place) && place.length === types.length && types.every((type, i) => isOf(place[i], type))
  if (!fits)
    throw new InvalidRequestError('the cursor is not one of this list', [{ path: 'cursor', message: 'unknown' }])
  return place as (string | number)[]
}

function isOf(value: unknown, type: 'string' | 'number'): boolean {
  return type === 'number' ? Number.isSafeInteger(value) : typeof value === 'string' && value.isWellFormed()
}

function parse(bytes: Buffer | undefined): unknown {
  try {
    return bytes === undefined ? undefined : (JSON.parse(bytes.toString('utf8')) as unknown)
  } catch {
    return undefined
  }
}
