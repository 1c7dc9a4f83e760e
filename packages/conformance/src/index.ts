/**
 * What makes something a storage adapter or a root key of Chatelaine: suites for vitest, decorators that make calls fail
 * or watch them, and an oracle over everything that is stored.
 *
 * @packageDocumentation
 */

// Suites
export { describeStorage, type StorageSuite } from './storage/describe-storage.ts'
export type { StoragePlace } from './storage/bench.ts'
export { describeRootKey, type RootKeySuite } from './root-key/describe-root-key.ts'
export type { Skips } from './skips.ts'

// Decorators
export { faultInjecting, type Fault, type FaultInjectingStorage } from './decorators/fault-injecting.ts'
export type { FaultSchedule } from './decorators/fault-injecting.ts'
export { passThrough, type StorageCallEnd, type StorageObserver } from './decorators/pass-through.ts'
export type { StorageCall, StorageCallName } from './decorators/intercept.ts'

// The oracle
export { checkInvariants, type InvariantOptions } from './invariants/check-invariants.ts'
