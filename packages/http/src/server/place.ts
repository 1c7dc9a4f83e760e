import { pathMembers } from '../routes.ts'

/** Where a route is. */
export interface Place {
  /** As hono writes it. One place has one name for its parameter, whatever each method calls it. */
  readonly pattern: string
  /** What each parameter of the pattern is in the request. */
  readonly members: readonly (readonly [parameter: string, member: string])[]
}

/** The place of a path as OpenAPI writes it. */
export function placeOf(path: string): Place {
  const members = pathMembers(path).map((member, index) => [`p${index}`, member] as const)
  let index = 0
  return { pattern: path.replaceAll(/\{\w+\}/g, () => `:p${index++}`), members }
}

/** The methods that there are at each place. */
export function methodsByPath(
  routes: readonly { readonly path: string; readonly method: string }[],
): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>()
  for (const { path, method } of routes) {
    const { pattern } = placeOf(path)
    found.set(pattern, [...(found.get(pattern) ?? []), method])
  }
  return found
}
