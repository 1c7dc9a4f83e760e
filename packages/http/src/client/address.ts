import { InvalidRequestError } from '@chatelaine/core'
import { pathMembers, type Route } from '../routes.ts'

/** Where a request goes, and what goes there. */
export interface Addressed {
  readonly path: string
  /** What is not in the path. */
  readonly rest: Readonly<Record<string, unknown>>
}

/** Puts the members of a request that its path names into the path. @throws InvalidRequestError */
export function address({ path }: Route, request: object): Addressed {
  const rest: Record<string, unknown> = { ...request }
  let filled = path
  for (const name of pathMembers(path)) {
    filled = filled.replace(`{${name}}`, segment(rest[name]))
    delete rest[name]
  }
  return { path: filled, rest }
}

/** A member as a segment. Two names are none: `.` and `..` are taken out of every path on the way. */
function segment(value: unknown): string {
  if (value === '.' || value === '..')
    throw new InvalidRequestError('a key called . or .. is reached by its id over HTTP')
  return encodeURIComponent(String(value))
}

/** Members as a query: values, and nothing that has members itself. */
export function queryOf(members: Readonly<Record<string, unknown>>): string {
  const given = Object.entries(members).filter(([, value]) => value !== undefined && typeof value !== 'object')
  if (given.length === 0) return ''
  return `?${new URLSearchParams(Object.fromEntries(given.map(([name, value]) => [name, String(value)]))).toString()}`
}
