import { z } from 'zod'

import { grantOperation, manageKey } from '../access/grant-operation.ts'
import { addGrant } from '../access/store.ts'
import { ConflictError } from '../errors.ts'
import { jcs } from '../internal/jcs.ts'
import { keyById, keyName } from '../keys/queries.ts'
import { keySpecs } from '../keys/spec.ts'
import { addKey } from '../keys/store.ts'
import type { ChangeOperation, ChangeWalk } from '../runtime.ts'
import type { KeyRow, KeySpec, KeyUsage } from '../state/rows.ts'
import { name } from './shared/fields.ts'
import { describeKeyRow, settingsColumns, settingsFields } from './shared/keys.ts'
import type { KeyDescription, KeySettings } from './shared/keys.ts'

/** A key to make. */
export interface CreateKeyRequest extends KeySettings {
  /** Unique in the tenant: 1 to 256 of `A-Z a-z 0-9 / _ . -`, not in the shape of an id. @defaultValue none */
  readonly name?: string | undefined
  /** What it is. */
  readonly spec: KeySpec
  /** What it is for. @defaultValue the first usage of the spec */
  readonly usage?: KeyUsage | undefined
}

/** A key to find by its name, or else to make. */
export interface EnsureKeyRequest extends CreateKeyRequest {
  readonly name: string
}

const fields = {
  spec: z.enum(['AES_256']),
  usage: z.enum(['ENCRYPT_DECRYPT']).optional(),
  ...settingsFields,
}
const createSchema = z.strictObject({ name: name.optional(), ...fields })
const ensureSchema = z.strictObject({ name, ...fields })
type Parsed = z.output<typeof createSchema>

/** Makes a key with its first version. A service that makes one receives a grant of `manageKey` on it. */
export const createKey: ChangeOperation<CreateKeyRequest, Parsed, KeyDescription> = {
  action: 'createKey',
  effect: 'change',
  schema: createSchema,
  perform: async (request, change) => {
    await change.authorize('createKey')
    return make(request, change)
  },
}

/** Finds the key of a name, or makes it. */
export const ensureKey: ChangeOperation<EnsureKeyRequest, z.output<typeof ensureSchema>, KeyDescription> = {
  action: 'createKey',
  effect: 'change',
  schema: ensureSchema,
  perform: async (request, change) => {
    const holder = await change.set.read(keyName(request.name))
    const found = holder === undefined ? undefined : await change.set.read(keyById(holder.target))
    if (found === undefined) {
      await change.authorize('createKey')
      return make(request, change)
    }
    await change.key('describeKey', found.id)
    change.note({ existed: true })
    if (found.spec !== request.spec || found.usage !== (request.usage ?? found.usage)) {
      throw new ConflictError('the key of this name has another spec or usage')
    }
    return describeKeyRow(found)
  },
}

async function make(request: Parsed, change: ChangeWalk): Promise<KeyDescription> {
  const spec = keySpecs[request.spec]
  const key = { ...newRow(request, change), ...settingsColumns(request) }
  change.subject(key)
  change.note({ spec: request.spec })
  const material = change.keyring.generate(key, 1, spec.materialBytes)
  const mark = { actor: change.actor.id, now: change.now, reason: undefined }
  await addKey(change.set, key, { version: 1, epoch: change.keyring.epoch, material, mark })
  if (change.actor.role === 'service') await grantToCreator(change, key)
  return describeKeyRow(key)
}

function newRow(request: Parsed, change: ChangeWalk): KeyRow {
  const { now, actor } = change
  return {
    tenant: change.tenant,
    id: change.random.uuid(),
    name: request.name ?? null,
    spec: request.spec,
    usage: request.usage ?? keySpecs[request.spec].usages[0],
    origin: 'CHATELAINE',
    exportable: 0,
    state: 'Enabled',
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
