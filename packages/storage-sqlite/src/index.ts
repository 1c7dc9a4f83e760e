/**
 * Storage in one SQLite file, for one machine.
 *
 * @packageDocumentation
 */
export { sqliteStorage } from './sqlite-storage.ts'
export type { SqliteStorageOptions } from './options.ts'
