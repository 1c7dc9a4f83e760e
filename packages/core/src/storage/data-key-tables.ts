import type { TableDescriptor } from './table.ts'

const text = { type: 'text' } as const
const integer = { type: 'integer' } as const
const bytes = { type: 'bytes' } as const
const maybeText = { type: 'text', nullable: true } as const
const maybeInteger = { type: 'integer', nullable: true } as const

/** Named data keys, by the keyed hash of their reference. Neither the reference nor the context is in here. */
export const dataKeys: TableDescriptor = {
  name: 'data_keys',
  since: 2,
  columns: {
    tenant: text,
    id: text,
    keyId: text,
    spec: maybeText,
    numberOfBytes: integer,
    context: text,
    currentVersion: integer,
    createdAt: integer,
    createdBy: text,
    rotatedAt: maybeInteger,
    rev: integer,
  },
  primaryKey: ['tenant', 'id'],
  indexes: [{ name: 'by_key', columns: ['tenant', 'keyId'] }],
}

/** Versions of named data keys, sealed as CM1 suite 0x82 under a version of their key. */
export const dataKeyVersions: TableDescriptor = {
  name: 'data_key_versions',
  since: 2,
  columns: {
    tenant: text,
    id: text,
    version: integer,
    state: text,
    sealed: bytes,
    createdAt: integer,
    createdBy: text,
    stateChangedAt: integer,
    stateChangedBy: text,
    rev: integer,
  },
  primaryKey: ['tenant', 'id', 'version'],
  indexes: [],
}
