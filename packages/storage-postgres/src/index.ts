/**
 * Storage in PostgreSQL, for any number of processes.
 *
 * @packageDocumentation
 */
export { postgresStorage } from './postgres-storage.ts'
export type { PostgresConnectionOptions, PostgresStorageOptions } from './options.ts'
export type { PostgresClient, PostgresPool, PostgresQuery, PostgresResult } from './driver.ts'
export type { ValueTypes } from './values.ts'
