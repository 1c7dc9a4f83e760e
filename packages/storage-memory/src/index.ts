/**
 * Storage in the memory of one process: for tests, and to try things out.
 *
 * @packageDocumentation
 */
export { memoryStorage, type MemoryStorageOptions } from './memory-storage.ts'
