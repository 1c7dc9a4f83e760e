import { z } from 'zod'

import { grantOperation, manageKey } from '../access/grant-operation.ts'
import { addGrant } from '../access/store.ts'
import { publicHalfOf } from '../crypto/given-material.ts'
import { ConflictError } from '../errors.ts'
import { jcs } from '../internal/jcs.ts'
import { ownOnly } from '../internal/own.ts'
import { defaultPolicy, policyFor } from '../keys/defaults.ts'
import { keyById, keyName, versionOf } from '../keys/queries.ts'
import type { WrappedMaterial } from '../keys/keyring.ts'
import { keySpecs } from '../keys/spec.ts'
import { addKey, type AwaitedVersion } from '../keys/store.ts'
import type { ChangeOperation, ChangeWalk, MaterialPlan } from '../runtime.ts'
import { keySpecNames, keyUsageNames, type KeyRow, type KeySpec, type KeyUsage } from '../state/rows.ts'
import { name } from './shared/fields.ts'
import { keyMaterial, withMaterial, type KeyMaterial } from './shared/key-material.ts'
import { describeKeyRow, settingsColumns, settingsFields } from './shared/keys.ts'
import type { KeyDescription, KeySettings } from './shared/keys.ts'
import type { KeyPurpose } from './shared/purpose.ts'

/** What a key to make has besides its {@link KeyPurpose}. */
export interface NewKey extends KeySettings {
  /** Unique in the tenant: 1 to 256 of `A-Z a-z 0-9 / _ . -`, not in the shape of an id. @defaultValue none */
  readonly name?: string | undefined
  /** Where its material comes from: made here, or brought: as `material`, or later by an import. @defaultValue 'CHATELAINE' */
  readonly origin?: 'CHATELAINE' | 'EXTERNAL' | undefined
  /** Its first version's material, for the origin `EXTERNAL`. Without it the key is `PendingImport`. */
  readonly material?: KeyMaterial | undefined
  /** Whether `keys.export` may ever let its material out. It stays so for all its life. @defaultValue false */
  readonly exportable?: boolean | undefined
}

/** A key to make: what it is and what for, its name and settings, and its material where that is brought along. */
export type CreateKeyRequest = KeyPurpose & NewKey

/** A key to find by its name, or else to make. */
export type EnsureKeyRequest = CreateKeyRequest & {
  /** Unique in the tenant: 1 to 256 of `A-Z a-z 0-9 / _ . -`, not in the shape of an id. */
  readonly name: string
}

const fields = {
  spec: z.enum(keySpecNames),
  usage: z.enum(keyUsageNames).optional(),
  origin: z.enum(['CHATELAINE', 'EXTERNAL']).optional(),
  material: keyMaterial.optional(),
  exportable: z.boolean().optional(),
  ...settingsFields,
}

interface Plan {
  readonly spec: KeySpec
  readonly usage?: KeyUsage | undefined
  readonly origin?: 'CHATELAINE' | 'EXTERNAL' | undefined
  readonly material?: unknown
  readonly exportable?: boolean | undefined
}

// What zod hands over has the prototype of everything, on which somebody may have put a usage or material.
const hasUsage = (plan: Plan): boolean => {
  const { spec, usage } = ownOnly(plan)
  return usage === undefined ? keySpecs[spec].usages.length === 1 : keySpecs[spec].usages.includes(usage)
}
const hasOrigin = (plan: Plan): boolean => {
  const { origin, material } = ownOnly(plan)
  return origin === 'EXTERNAL' || material === undefined
}
const usageIssue = { path: ['usage'], error: 'a spec with several usages needs one of them, no spec another one' }
const originIssue = { path: ['origin'], error: 'material goes with the origin EXTERNAL' }

const createSchema = z
  .strictObject({ name: name.optional(), ...fields })
  .refine(hasUsage, usageIssue)
  .refine(hasOrigin, originIssue)
  .transform(withMaterial)
const ensureSchema = z
  .strictObject({ name, ...fields })
  .refine(hasUsage, usageIssue)
  .refine(hasOrigin, originIssue)
  .transform(withMaterial)
type Parsed = z.output<typeof createSchema>

/** Makes a key with its first version. A service that makes one receives a grant of `manageKey` on it. */
export const createKey: ChangeOperation<CreateKeyRequest, Parsed, KeyDescription> = {
  action: 'createKey',
  effect: 'change',
  schema: createSchema as ChangeOperation<CreateKeyRequest, Parsed, KeyDescription>['schema'],
  perform: async (request, change) => {
    await change.authorize('createKey')
    return make(request, change)
  },
}

/** Finds the key of a name, or makes it. */
export const ensureKey: ChangeOperation<EnsureKeyRequest, z.output<typeof ensureSchema>, KeyDescription> = {
  action: 'createKey',
  effect: 'change',
  schema: ensureSchema as ChangeOperation<EnsureKeyRequest, z.output<typeof ensureSchema>, KeyDescription>['schema'],
  perform: async (request, change) => {
    const holder = await change.set.read(keyName(request.name))
    const found = holder === undefined ? undefined : await change.set.read(keyById(holder.target))
    if (found === undefined) {
      await change.authorize('createKey')
      return make(request, change)
    }
    await change.key('describeKey', found.id)
    change.note({ existed: true })
    if (found.spec !== request.spec || found.usage !== usageOf(request) || found.origin !== originOf(request)) {
      throw new ConflictError('the key of this name has another spec, usage or origin')
    }
    if (found.exportable !== exportableColumn(request)) {
      throw new ConflictError('the key of this name is exportable, or this one should be and it is not')
    }
    await requireSamePair(request, found, change)
    return describeKeyRow(found)
  },
}

/** Whoever brings a key pair gets a key of that pair. Secrets are not compared: nothing of them is in a row. */
async function requireSamePair({ material }: Parsed, key: KeyRow, change: ChangeWalk): Promise<void> {
  const given = material === undefined ? null : publicHalfOf(material)
  if (given === null) return
  const current = await change.set.read(versionOf(key.id, key.currentVersion))
  if (current?.publicKey !== null && current !== undefined && given.equals(current.publicKey)) return
  throw new ConflictError('the key of this name has another key pair')
}

function originOf({ origin }: Parsed): string {
  return origin ?? 'CHATELAINE'
}

/** Whether the material is yet to be imported. */
function isAwaited(plan: Plan): boolean {
  const { origin, material } = ownOnly(plan)
  return origin === 'EXTERNAL' && material === undefined
}

function usageOf({ spec, usage }: Plan): KeyUsage {
  return usage ?? keySpecs[spec].usages[0]
}

function exportableColumn(plan: Plan): number {
  return ownOnly(plan).exportable === true ? 1 : 0
}

function planOf({ spec, material }: Parsed): MaterialPlan {
  return { spec, given: material }
}

async function make(request: Parsed, change: ChangeWalk): Promise<KeyDescription> {
  const bare = newRow(request, change)
  const policy = await defaultPolicy(change.set)
  const key = { ...bare, ...settingsColumns(request, { policy: policyFor(policy, bare.origin), origin: bare.origin }) }
  change.subject(key)
  change.note({
    spec: request.spec,
    ...(key.origin === 'EXTERNAL' ? { origin: key.origin } : {}),
    ...(key.exportable === 1 ? { exportable: true } : {}),
  })
  const mark = { actor: change.actor.id, now: change.now, reason: undefined }
  await addKey(change.set, key, { version: 1, ...(await firstMaterial(key, request, change)), mark })
  if (change.actor.role === 'service') await grantToCreator(change, key)
  return describeKeyRow(key)
}

/** What the first version holds: nothing yet, where it is to be imported. */
async function firstMaterial(
  key: KeyRow,
  request: Parsed,
  change: ChangeWalk,
): Promise<WrappedMaterial | Omit<AwaitedVersion, 'version' | 'mark'>> {
  if (key.state === 'PendingImport') return { epoch: change.keyring.epoch, material: null, publicKey: null }
  return change.keyring.wrapFresh(key, 1, await change.material(planOf(request)))
}

function newRow(request: Parsed, change: ChangeWalk): KeyRow {
  const { now, actor } = change
  return {
    tenant: change.tenant,
    id: change.random.uuid(),
    name: request.name ?? null,
    spec: request.spec,
    usage: usageOf(request),
    origin: request.origin ?? 'CHATELAINE',
    exportable: exportableColumn(request),
    state: isAwaited(request) ? 'PendingImport' : 'Enabled',
    priorState: null,
    currentVersion: 1,
    minDecryptVersion: 1,
    description: null,
    tags: '{}',
    owner: null,
    policy: '{}',
    validUntil: null,
    deletionDueAt: null,
    createdAt: now,
    createdBy: actor.id,
    stateChangedAt: now,
    stateChangedBy: actor.id,
    stateReason: null,
    rev: 1,
  }
}

async function grantToCreator(change: ChangeWalk, key: KeyRow): Promise<void> {
  const operations = manageKey.filter((operation) => {
    const usage = grantOperation(operation)?.usage
    return usage === undefined || usage === key.usage
  })
  await addGrant(change.set, {
    id: change.random.uuid(),
    name: null,
    principal: change.actor.id,
    keyId: key.id,
    operations: jcs(operations),
    constraints: '{}',
    expiresAt: null,
    createdAt: change.now,
    createdBy: change.actor.id,
  })
}
