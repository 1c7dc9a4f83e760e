import type { TableDescriptor } from './table.ts'

const text = { type: 'text' } as const
const integer = { type: 'integer' } as const
const bytes = { type: 'bytes' } as const

/** Keyring keys wrapped once more, by other root keys than the one in `keyring`: before and after that is exchanged. */
export const keyringWraps: TableDescriptor = {
  name: 'keyring_wraps',
  since: 1,
  columns: { tenant: text, epoch: integer, provider: text, wrapped: bytes, createdAt: integer, rev: integer },
  primaryKey: ['tenant', 'epoch', 'provider'],
  indexes: [],
}

/** What is known of a keyring epoch besides its key: which it is, signed, and under which root key it began. */
export const keyringEpochs: TableDescriptor = {
  name: 'keyring_epochs',
  since: 1,
  columns: {
    tenant: text,
    epoch: integer,
    madeUnder: text,
    fingerprint: bytes,
    signature: bytes,
    createdAt: integer,
    rev: integer,
  },
  primaryKey: ['tenant', 'epoch'],
  indexes: [],
}
