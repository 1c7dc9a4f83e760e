import { anchored, pruning, tiles } from './audit-tables.ts'
import { dataKeys, dataKeyVersions } from './data-key-tables.ts'
import { imports } from './import-tables.ts'
import { lifecycleTables } from './lifecycle-tables.ts'
import { keyringEpochs, keyringWraps } from './keyring-tables.ts'
import type { TableDescriptor } from './table.ts'
import { stateTree } from './tree-tables.ts'
import { usage } from './usage-tables.ts'

const text = { type: 'text' } as const
const integer = { type: 'integer' } as const
const bytes = { type: 'bytes' } as const
const maybeText = { type: 'text', nullable: true } as const
const maybeInteger = { type: 'integer', nullable: true } as const
const maybeBytes = { type: 'bytes', nullable: true } as const

/** Keyring keys, wrapped by a root key: one per tenant and epoch. */
const keyring: TableDescriptor = {
  name: 'keyring',
  since: 1,
  columns: { tenant: text, epoch: integer, provider: text, wrapped: bytes, createdAt: integer, rev: integer },
  primaryKey: ['tenant', 'epoch'],
  indexes: [],
}

/** One row per tenant, never updated: what a transaction locks. */
const locks: TableDescriptor = {
  name: 'locks',
  since: 1,
  columns: { tenant: text },
  primaryKey: ['tenant'],
  indexes: [],
}

/** The chain's heads, one per batch; only inserted, and the old ones trimmed. */
const heads: TableDescriptor = {
  name: 'heads',
  since: 1,
  columns: {
    tenant: text,
    size: integer,
    headHash: bytes,
    frontier: bytes,
    revision: integer,
    stateRoot: bytes,
    lastChange: integer,
    lastChangeHash: bytes,
    ts: integer,
    epoch: integer,
    mac: bytes,
  },
  primaryKey: ['tenant', 'size'],
  indexes: [],
}

/** Signed checkpoints (C2SP tlog-checkpoint notes). */
const checkpoints: TableDescriptor = {
  name: 'checkpoints',
  since: 1,
  columns: { tenant: text, size: integer, note: text, createdAt: integer },
  primaryKey: ['tenant', 'size'],
  indexes: [],
}

/** Audit records: `text` is what was hashed, the other columns are copies of it to search by. */
const records: TableDescriptor = {
  name: 'records',
  since: 1,
  columns: {
    tenant: text,
    seq: integer,
    ts: integer,
    actor: text,
    action: text,
    status: text,
    keyId: maybeText,
    writer: text,
    writerSeq: integer,
    hash: bytes,
    text,
  },
  primaryKey: ['tenant', 'seq'],
  indexes: [
    { name: 'by_writer', columns: ['tenant', 'writer', 'writerSeq'], unique: true },
    { name: 'by_key', columns: ['tenant', 'keyId', 'seq'] },
  ],
}

/** The house's own secrets (`audit-signing`, `audit-pii`, `name-index`), as CW1. */
const secrets: TableDescriptor = {
  name: 'secrets',
  since: 1,
  columns: {
    tenant: text,
    purpose: text,
    version: integer,
    id: text,
    epoch: integer,
    material: bytes,
    createdAt: integer,
    rev: integer,
  },
  primaryKey: ['tenant', 'purpose', 'version'],
  indexes: [],
}

/** Keys, without their material. */
const keys: TableDescriptor = {
  name: 'keys',
  since: 1,
  columns: {
    tenant: text,
    id: text,
    name: maybeText,
    spec: text,
    usage: text,
    origin: text,
    exportable: integer,
    state: text,
    priorState: maybeText,
    currentVersion: integer,
    minDecryptVersion: integer,
    description: maybeText,
    tags: text,
    owner: maybeText,
    policy: text,
    validUntil: maybeInteger,
    deletionDueAt: maybeInteger,
    createdAt: integer,
    createdBy: text,
    stateChangedAt: integer,
    stateChangedBy: text,
    stateReason: maybeText,
    rev: integer,
  },
  primaryKey: ['tenant', 'id'],
  indexes: [],
}

/** Key versions with their wrapped material (CW1), which a destroyed version has lost. */
const versions: TableDescriptor = {
  name: 'versions',
  since: 1,
  columns: {
    tenant: text,
    keyId: text,
    version: integer,
    epoch: integer,
    state: text,
    priorState: maybeText,
    material: maybeBytes,
    publicKey: maybeBytes,
    graceEndsAt: maybeInteger,
    createdAt: integer,
    stateChangedAt: integer,
    stateChangedBy: text,
    stateReason: maybeText,
    rev: integer,
  },
  primaryKey: ['tenant', 'keyId', 'version'],
  indexes: [],
}

/** Who holds a name: `space` is `key` (names and aliases of keys) or `grant`. */
const names: TableDescriptor = {
  name: 'names',
  since: 1,
  columns: { tenant: text, space: text, name: text, target: text, kind: text, rev: integer },
  primaryKey: ['tenant', 'space', 'name'],
  indexes: [],
}

/** Grants. `keyId` is an id or `*`; operations and constraints are JCS texts. */
const grants: TableDescriptor = {
  name: 'grants',
  since: 1,
  columns: {
    tenant: text,
    id: text,
    name: maybeText,
    principal: text,
    keyId: text,
    operations: text,
    constraints: text,
    expiresAt: maybeInteger,
    createdAt: integer,
    createdBy: text,
    rev: integer,
  },
  primaryKey: ['tenant', 'principal', 'keyId', 'id'],
  indexes: [
    { name: 'by_id', columns: ['tenant', 'id'], unique: true },
    { name: 'by_grant_key', columns: ['tenant', 'keyId'] },
  ],
}

/** Principals that somebody said something about; all others are active. */
const principals: TableDescriptor = {
  name: 'principals',
  since: 1,
  columns: {
    tenant: text,
    id: text,
    active: integer,
    createdAt: integer,
    stateChangedAt: integer,
    stateChangedBy: text,
    stateReason: maybeText,
    rev: integer,
  },
  primaryKey: ['tenant', 'id'],
  indexes: [],
}

/** Every table of core. Each one's first column is the tenant. */
export const tables: readonly TableDescriptor[] = [
  keyring,
  keyringWraps,
  keyringEpochs,
  locks,
  heads,
  checkpoints,
  records,
  secrets,
  keys,
  versions,
  imports,
  names,
  grants,
  principals,
  dataKeys,
  dataKeyVersions,
  stateTree,
  tiles,
  anchored,
  pruning,
  usage,
  ...lifecycleTables,
]
