import type { CreateKeyRequest, KeySpec, Kms } from '@chatelaine/core'
import { isKmsError } from '@chatelaine/core'

/** One test vector. Besides these it has fields of its kind, in hexadecimal. */
export interface Case {
  readonly tcId: number
  readonly comment?: string
  readonly flags?: readonly string[]
  readonly result: 'valid' | 'invalid' | 'acceptable'
  readonly [field: string]: unknown
}

/** Vectors with something in common, usually the key. */
export interface Group {
  readonly type: string
  readonly tests: readonly Case[]
  readonly [field: string]: unknown
}

/**
 * What became of a case.
 *
 * - `accepted`: the operation succeeded with the result that the case names.
 * - `refused`: the operation looked at it and said no.
 * - `key refused`: the key was not imported.
 * - `request refused`: what the operation was asked is no request that it takes.
 * - `inexpressible`: no request says what the case says.
 * - `other result`: the operation succeeded with something else, or two ways of asking differ.
 */
export type Outcome = 'accepted' | 'refused' | 'key refused' | 'request refused' | 'inexpressible' | 'other result'

/** How the cases of one kind run through the KMS. */
export interface Family {
  /** Imports what the cases of a group have in common, and answers how one of them runs. */
  readonly prepare: (kms: Kms, group: Group) => Promise<(each: Case) => Promise<Outcome>>
  /** What is wrong with an invalid case, where it is not what the operation looks at. */
  readonly blames?: (each: Case, group: Group) => 'key' | 'request' | undefined
}

/** Whether what became of a case is what its author demands of everybody. */
export function fits(family: Family, each: Case, on: { group: Group; outcome: Outcome }): boolean {
  if (each.result === 'valid') return on.outcome === 'accepted'
  if (on.outcome === 'refused') return true
  const blamed = family.blames?.(each, on.group)
  return blamed !== undefined && on.outcome === `${blamed} refused`
}

/** A field of a case or group in hexadecimal. */
export function hex(holder: Case | Group, field: string): Buffer {
  return Buffer.from(holder[field] as string, 'hex')
}

/** What becomes of a request. Whatever is neither a result nor one of the refusals is thrown. */
export async function asked(work: Promise<boolean>): Promise<Outcome> {
  try {
    return (await work) ? 'accepted' : 'refused'
  } catch (error) {
    if (isKmsError(error, 'INVALID_CIPHERTEXT')) return 'refused'
    if (isKmsError(error, 'INVALID_REQUEST') || isKmsError(error, 'LIMIT_EXCEEDED')) return 'request refused'
    throw error
  }
}

/** A key to import. The spec may be one that there is not. */
export interface Import {
  readonly spec: KeySpec | (string & {})
  readonly usage: string
  readonly material: CreateKeyRequest['material']
}

const known = new WeakMap<Kms, Map<string, Promise<string | undefined>>>()

/** Imports a key, or finds it where the same was imported before; answers its id, `undefined` where it is refused. */
export async function imported(kms: Kms, wanted: Import): Promise<string | undefined> {
  const keys = known.get(kms) ?? new Map<string, Promise<string | undefined>>()
  known.set(kms, keys)
  const name = JSON.stringify(wanted)
  const found = keys.get(name) ?? importKey(kms, wanted)
  keys.set(name, found)
  return found
}

async function importKey(kms: Kms, { spec, usage, material }: Import): Promise<string | undefined> {
  try {
    const handle = await kms.keys.create({ spec, usage, origin: 'EXTERNAL', material } as CreateKeyRequest)
    return handle.id
  } catch (error) {
    if (isKmsError(error, 'INVALID_REQUEST')) return undefined
    throw error
  }
}
