/**
 * What the SQL storages of Chatelaine share: how tables look in a database, the statements on them, and the verbs of
 * the storage contract on a session that a driver provides.
 *
 * @packageDocumentation
 */
export type { SqlDialect } from './dialect.ts'
export type { SqlResult, SqlSession, SqlStatement } from './session.ts'
export { Schema, kyselyFor } from './schema.ts'
export type { AnyTables, SchemaObject } from './schema.ts'
export { appliedMigrations, migrate } from './migrations.ts'
export { Statements } from './statements.ts'
export { SqlView } from './view.ts'
export { SqlTransaction } from './transaction.ts'
export { Turns, unlessAborted } from './turns.ts'
export { abandoned, refusal } from './failures.ts'
export { BoundedMap } from './bounded-map.ts'
