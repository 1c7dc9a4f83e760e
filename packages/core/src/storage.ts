/**
 * The storage contract: what an adapter implements, and the tables that core asks it to keep.
 *
 * @packageDocumentation
 */
export type {
  StorageAdapter,
  StorageFacts,
  StorageReader,
  StorageTransaction,
  TransactOptions,
} from './storage/adapter.ts'
export type { Column, ColumnType, Index, Range, Row, TableDescriptor, Value } from './storage/table.ts'
export { maxRangeLimit } from './storage/table.ts'
export type { StorageFailureDetails } from './storage/errors.ts'
export { StorageConflict, StorageFailure, isStorageConflict, storageFailureOf } from './storage/errors.ts'
export { tables } from './storage/tables.ts'
