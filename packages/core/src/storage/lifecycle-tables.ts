import { quotas, quotaUses } from './quota-tables.ts'
import { repeats } from './repeat-tables.ts'
import type { TableDescriptor } from './table.ts'

/** Further names of keys. Each is resolved through `names`, like a key's own; this says what a key's aliases are. */
const aliases: TableDescriptor = {
  name: 'aliases',
  since: 3,
  columns: {
    tenant: { type: 'text' },
    alias: { type: 'text' },
    keyId: { type: 'text' },
    createdAt: { type: 'integer' },
    createdBy: { type: 'text' },
    retargetedAt: { type: 'integer', nullable: true },
    retargetedBy: { type: 'text', nullable: true },
    rev: { type: 'integer' },
  },
  primaryKey: ['tenant', 'alias'],
  indexes: [{ name: 'by_alias_key', columns: ['tenant', 'keyId'] }],
}

/**
 * By what keys are looked for besides their names: whom they belong to, and each of their tags, as hashes of one length.
 * One row for each, written with the key's own, which says the same.
 */
const keyLabels: TableDescriptor = {
  name: 'key_labels',
  since: 3,
  columns: {
    tenant: { type: 'text' },
    keyId: { type: 'text' },
    label: { type: 'text' },
    rev: { type: 'integer' },
  },
  primaryKey: ['tenant', 'keyId', 'label'],
  indexes: [{ name: 'by_label', columns: ['tenant', 'label'] }],
}

/** What new keys of a tenant have where nobody says otherwise: one row, `name` is `policy`. */
const keyDefaults: TableDescriptor = {
  name: 'key_defaults',
  since: 3,
  columns: {
    tenant: { type: 'text' },
    name: { type: 'text' },
    policy: { type: 'text' },
    createdAt: { type: 'integer' },
    createdBy: { type: 'text' },
    changedAt: { type: 'integer' },
    changedBy: { type: 'text' },
    rev: { type: 'integer' },
  },
  primaryKey: ['tenant', 'name'],
  indexes: [],
}

/**
 * When something is next to be done to a key (`version` 0) or to one of its versions, without anybody asking. One row for
 * each that something is due to, written with whatever sets its time. `wakeAt` is when somebody looks at it next: at its
 * time, and again when whoever has claimed it should be done.
 */
const due: TableDescriptor = {
  name: 'due',
  since: 3,
  columns: {
    tenant: { type: 'text' },
    keyId: { type: 'text' },
    version: { type: 'integer' },
    wakeAt: { type: 'integer' },
    toldOf: { type: 'integer' },
    holder: { type: 'text', nullable: true },
    attempts: { type: 'integer' },
    rev: { type: 'integer' },
  },
  primaryKey: ['tenant', 'keyId', 'version'],
  indexes: [{ name: 'by_wake_time', columns: ['tenant', 'wakeAt'] }],
}

/**
 * How many messages versions of keys may have protected, where somebody wants them rotated after so many: what processes
 * took in advance, so never fewer than there were. Written with the records of uses, which are no changes.
 */
const messageCounts: TableDescriptor = {
  name: 'message_counts',
  since: 3,
  columns: {
    tenant: { type: 'text' },
    keyId: { type: 'text' },
    version: { type: 'integer' },
    messages: { type: 'integer' },
    rev: { type: 'integer' },
  },
  primaryKey: ['tenant', 'keyId', 'version'],
  indexes: [],
}

/**
 * Until which moment of its timetable a job of the scheduler was taken over by some process; and, in a row of its own
 * while it is done (`lease:` and its name), until when nobody else takes it over.
 */
const jobs: TableDescriptor = {
  name: 'jobs',
  since: 3,
  columns: {
    tenant: { type: 'text' },
    name: { type: 'text' },
    takenUntil: { type: 'integer' },
    createdAt: { type: 'integer' },
    createdBy: { type: 'text' },
    rev: { type: 'integer' },
  },
  primaryKey: ['tenant', 'name'],
  indexes: [],
}

/** The tables of what becomes of keys, and of who asks how often. */
export const lifecycleTables: readonly TableDescriptor[] = [
  aliases,
  keyLabels,
  keyDefaults,
  due,
  messageCounts,
  jobs,
  quotas,
  quotaUses,
  repeats,
]
