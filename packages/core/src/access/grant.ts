import type { EncodedContext } from '../stages.ts'
import { decodeGrants } from '../state/decode.ts'
import type { Query } from '../state/query.ts'
import { rowsAs, type GrantRow, type NameRow, type PrincipalRow } from '../state/rows.ts'
import { limits } from '../internal/defaults.ts'
import { ownOnly } from '../internal/own.ts'

/** Conditions on the encryption context of a request. */
export interface GrantConstraints {
  /** The context is exactly this. */
  readonly contextEquals?: Readonly<Record<string, string>> | undefined
  /** The context contains at least these pairs. */
  readonly contextSubset?: Readonly<Record<string, string>> | undefined
}

/** A grant, ready to be matched. */
export interface Grant {
  readonly row: GrantRow
  readonly operations: ReadonlySet<string>
  readonly constraints: GrantConstraints
}

/** Reads the texts of a row. */
export function decodeGrant(row: GrantRow): Grant {
  return {
    row,
    operations: new Set(JSON.parse(row.operations) as string[]),
    constraints: ownOnly(JSON.parse(row.constraints) as GrantConstraints),
  }
}

/** What a principal was granted on a key, or on `*`. */
export function grantsOn(principal: string, keyId: string): Query<readonly Grant[]> {
  return {
    table: 'grants',
    key: [principal, keyId],
    many: limits.grantsPerKey,
    decode: (rows) => decodeGrants(rows).map(decodeGrant),
  }
}

/** Who holds a grant's name. */
export function grantName(name: string): Query<NameRow | undefined> {
  return { table: 'names', key: ['grant', name], decode: (rows) => rowsAs<NameRow>(rows)[0] }
}

/** What is known of a principal. */
export function principalById(id: string): Query<PrincipalRow | undefined> {
  return { table: 'principals', key: [id], decode: (rows) => rowsAs<PrincipalRow>(rows)[0] }
}

/** Whether a request's context meets a grant's constraints. A request without one has the empty context. */
export function meets(constraints: GrantConstraints, context: EncodedContext | undefined): boolean {
  const pairs = context?.pairs ?? []
  const { contextEquals, contextSubset } = constraints
  if (contextEquals !== undefined) {
    if (Object.keys(contextEquals).length !== pairs.length || !includes(pairs, contextEquals)) return false
  }
  return contextSubset === undefined || includes(pairs, contextSubset)
}

/** Whether any context meets a grant's constraints. */
export function isUnconditional({ contextEquals, contextSubset }: GrantConstraints): boolean {
  return contextEquals === undefined && contextSubset === undefined
}

function includes(pairs: EncodedContext['pairs'], wanted: Readonly<Record<string, string>>): boolean {
  return Object.entries(wanted).every(([key, value]) => pairs.some((pair) => pair[0] === key && pair[1] === value))
}
