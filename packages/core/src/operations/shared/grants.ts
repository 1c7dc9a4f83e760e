import { z } from 'zod'
import { wireForms } from './wire-form.ts'
import { grantOperation, grantOperationNames, type GrantOperation } from '../../access/grant-operation.ts'
import { decodeGrant, grantsOn, type Grant, type GrantConstraints } from '../../access/grant.ts'
import { encodeContext } from '../../envelope/context.ts'
import { AccessDeniedError, InvalidRequestError } from '../../errors.ts'
import { allOf } from '../../internal/all-of.ts'
import { jcs } from '../../internal/jcs.ts'
import { ownOnly } from '../../internal/own.ts'
import { withReason } from '../../internal/reason.ts'
import { requireState } from '../../keys/state.ts'
import type { ChangeWalk } from '../../runtime.ts'
import type { GrantRow } from '../../state/rows.ts'
import { keyOrAll, name, principalId, type EncryptionContext } from './fields.ts'

/** A grant to make. */
export interface CreateGrantRequest {
  /** Who may. */
  readonly principal: string
  /** On which key: id or name; `*` for all keys, there to come ones too. */
  readonly key: string
  /** What. `createKey`, `listKeys` and `generateRandom` belong to no key, and go with `*` only. */
  readonly operations: readonly GrantOperation[]
  /** Only with an encryption context that meets these. @defaultValue any */
  readonly constraints?: GrantConstraints | undefined
  /** Until when, exclusive. @defaultValue for ever */
  readonly expiresAt?: Date | undefined
  /** Unique among grants. @defaultValue none */
  readonly name?: string | undefined
}

/** What a grant says. */
export interface GrantDescription {
  /** UUID. */
  readonly id: string
  /** Unique among grants, where it has one. */
  readonly name: string | undefined
  /** Who may. */
  readonly principal: string
  /** Id of the key, or `*`. */
  readonly keyId: string
  /** What. */
  readonly operations: readonly GrantOperation[]
  /** With which encryption context. */
  readonly constraints: GrantConstraints
  /** Until when, exclusive; `undefined` is for ever. */
  readonly expiresAt: Date | undefined
  /** When it was made. */
  readonly createdAt: Date
  /** Who made it, by principal. */
  readonly createdBy: string
}

/** Pairs of a constraint: checked as a context is, and copied at once. */
const pairs = z
  .custom<EncryptionContext>((value) => value !== undefined)
  .transform((value): EncryptionContext => Object.fromEntries(encodeContext(value).pairs))
  .meta(wireForms.context)

const constraintsForm = {
  type: 'object',
  properties: { contextEquals: wireForms.context, contextSubset: wireForms.context },
  additionalProperties: false,
}

/** The fields of {@link CreateGrantRequest}, for schemas. */
export const grantFields = {
  principal: principalId,
  key: keyOrAll,
  operations: z
    .array(z.enum(grantOperationNames as [GrantOperation, ...GrantOperation[]]))
    .min(1)
    .max(100),
  constraints: z
    .custom<GrantConstraints>()
    .transform(ownOnly)
    .pipe(z.strictObject({ contextEquals: pairs.optional(), contextSubset: pairs.optional() }))
    .transform(ownOnly)
    .meta(constraintsForm)
    .optional(),
  expiresAt: z
    .date()
    .transform((date) => date.getTime())
    .meta(wireForms.date)
    .optional(),
  name: name.optional(),
}

const grantSchema = z.strictObject(grantFields)
type Parsed = z.output<typeof grantSchema>

/** What callers are told of a grant. */
export function describeGrant({ row, operations, constraints }: Grant): GrantDescription {
  return {
    id: row.id,
    name: row.name ?? undefined,
    principal: row.principal,
    keyId: row.keyId,
    operations: [...operations] as GrantOperation[],
    constraints,
    expiresAt: row.expiresAt === null ? undefined : new Date(row.expiresAt),
    createdAt: new Date(row.createdAt),
    createdBy: row.createdBy,
  }
}

/**
 * Authorizes a grant, and makes its row: on a key that takes grants in its state, of operations that fit, and for a
 * service of nothing that it may not do itself.
 *
 * @throws AccessDeniedError, InvalidKeyStateError, InvalidRequestError
 */
export async function planGrant(request: Parsed, change: ChangeWalk): Promise<Omit<GrantRow, 'rev'>> {
  const keyId = await grantedKey(request.key, change)
  const row = {
    tenant: change.tenant,
    id: change.random.uuid(),
    name: request.name ?? null,
    principal: request.principal,
    keyId,
    operations: jcs([...new Set(request.operations)].toSorted()),
    constraints: jcs({ ...definedOnly(request.constraints) }),
    expiresAt: request.expiresAt ?? null,
    createdAt: change.now,
    createdBy: change.actor.id,
  }
  if (row.expiresAt !== null && row.expiresAt <= change.now) refuse('expiresAt', 'it is in the past')
  const keyless = request.operations.find((operation) => grantOperation(operation)?.keyless === true)
  if (keyId !== '*' && keyless !== undefined) refuse('operations', `${keyless} belongs to no key: grant it on *`)
  await requireOwnRight(row, change)
  return row
}

async function grantedKey(reference: string, change: ChangeWalk): Promise<string> {
  if (reference === '*') {
    await change.authorize('createGrant')
    return '*'
  }
  const key = await change.key('createGrant', reference)
  requireState(key, 'manage')
  return key.id
}

/** A service passes on only what it holds, not wider, not longer, and not to itself. */
async function requireOwnRight(row: Omit<GrantRow, 'rev'>, change: ChangeWalk): Promise<void> {
  const { id, role } = change.actor
  if (role !== 'service') return
  if (row.principal === id) throw denied('a service grants nothing to itself')
  const keys = row.keyId === '*' ? ['*'] : [row.keyId, '*']
  const held = (await allOf(keys.map(async (key) => change.set.read(grantsOn(id, key))))).flat()
  const wide = held.filter(({ row: own }) => coversGrant(own, row))
  for (const operation of JSON.parse(row.operations) as string[]) {
    if (!wide.some((own) => own.operations.has(operation))) throw denied('a service grants only what it holds itself')
  }
}

function coversGrant(own: GrantRow, row: Omit<GrantRow, 'rev'>): boolean {
  const asWide = own.constraints === '{}' || own.constraints === row.constraints
  return asWide && (own.expiresAt ?? Infinity) >= (row.expiresAt ?? Infinity)
}

/** Whether two grants say the same, apart from who made them and when. */
export function sameGrant(a: Omit<GrantRow, 'rev'>, b: Omit<GrantRow, 'rev'>): boolean {
  const columns = ['name', 'principal', 'keyId', 'operations', 'constraints', 'expiresAt'] as const
  return columns.every((column) => a[column] === b[column])
}

/** A row as callers are told of it. */
export function describeGrantRow(row: Omit<GrantRow, 'rev'>): GrantDescription {
  return describeGrant(decodeGrant({ ...row, rev: 1 }))
}

function definedOnly(constraints: GrantConstraints = {}): Record<string, EncryptionContext> {
  const entries = Object.entries(constraints).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries as [string, EncryptionContext][])
}

function refuse(path: string, message: string): never {
  throw new InvalidRequestError(`the grant is not valid: ${message}`, [{ path, message }])
}

function denied(reason: string): AccessDeniedError {
  return withReason(new AccessDeniedError('this principal may not do this'), reason)
}
