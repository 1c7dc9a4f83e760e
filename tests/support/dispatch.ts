/** The member of a union that has this `type`. */
export type Of<C, T> = C extends { readonly type: infer Types }
  ? T extends Types
    ? C & { readonly type: T }
    : never
  : never

/** What to do for each `type` of a union. */
export type Handlers<C extends { readonly type: string }, R> = { readonly [T in C['type']]: (asked: Of<C, T>) => R }

/** Does what the table says for this `type`. */
export function dispatch<C extends { readonly type: string }, R>(handlers: Handlers<C, R>, asked: C): R {
  return (handlers[asked.type as C['type']] as (asked: C) => R)(asked)
}
