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

/**
 * Says which methods there are at a path. Asked only where no route fits, so that a request has one handler in hono, which
 * it then runs without composing any.
 */
export function methodsAt(
  basePath: string,
  routes: readonly { readonly path: string; readonly method: string }[],
): (path: string) => readonly string[] {
  const places = routes.map(({ path, method }) => {
    const shape = `${basePath}${path}`.replaceAll('.', String.raw`\.`).replaceAll(/\{\w+\}/g, '[^/]+')
    return { shape: new RegExp(`^${shape}$`), method }
  })
  return (path) => places.filter(({ shape }) => shape.test(path)).map(({ method }) => method)
}
