import type { Clock, Timers } from './clock.ts'

/** The real clock. */
export const systemClock: Clock = Object.freeze({
  now: Date.now.bind(Date),
  monotonic: performance.now.bind(performance),
})

const { setTimeout: start, clearTimeout: stop, setImmediate: immediately } = globalThis

/** The real timers. Each belongs to something that somebody waits for, and ends with it. */
export const systemTimers: Timers = Object.freeze({
  after(delayMs: number, callback: () => void) {
    const timer = start(callback, delayMs)
    return () => stop(timer)
  },
  inBackground(delayMs: number, callback: () => void) {
    const timer = start(callback, delayMs)
    timer.unref()
    return () => stop(timer)
  },
  turn: async () => new Promise<void>((resolve) => void immediately(resolve)),
})

/** Everything that has a number, in one place. Sizes in bytes, times in milliseconds. */
export const limits = Object.freeze({
  /** Largest plaintext of a single-shot operation. */
  plaintextBytes: 64 * 1024 * 1024,
  /** Most items of a many-verb. */
  items: 1000,
  /** Most operations of a tenant at a time, whatever each of them waits for. */
  runningOperations: 20_000,
  /** For how long the names of changes are remembered: a day. */
  repeatsRememberedMs: 86_400_000,
  /** Most versions of a key that one operation uses. */
  versionsAtOnce: 100,
  /** Longest value that is encrypted deterministically or indexed. */
  searchableBytes: 16 * 1024,
  /** Most records in one batch. */
  batchRecords: 256,
  /** Most records waiting. */
  queuedRecords: 10_000,
  /** Most bytes of records waiting. */
  queuedRecordBytes: 16 * 1024 * 1024,
  /** Most bytes of results waiting for their records. */
  queuedResultBytes: 256 * 1024 * 1024,
  /** Most events and log lines waiting to be told. */
  queuedSignals: 10_000,
  /** For how long records are not counted after the storage has not taken their counts. */
  usageSuspensionMs: 10_000,
  /** Longest text of a record. */
  recordBytes: 16 * 1024,
  /** Most rows that one change may touch. */
  rowsPerChange: 100,
  /** Most bytes of the names of those rows, so that the change's record never grows too long. */
  rowBytesPerChange: 8 * 1024,
  /** Further behind than this many changes, a process empties its caches instead of catching up. */
  catchUpChanges: 1000,
  /** How long an operation waits for its record. */
  deadlineMs: 5000,
  /** Least time between two checkpoints under load. */
  checkpointIntervalMs: 1000,
  /** Least time between two publications to an anchor, and longest wait after failures. */
  anchorEveryMs: 60_000,
  /** How long an anchor may take to keep a checkpoint. */
  anchorDeadlineMs: 10_000,
  /** How long an anchor is waited for when a tenant is opened, unless it has to answer. */
  anchorOpeningMs: 2000,
  /** Least time between two advances of a high-water mark. */
  markIntervalMs: 1000,
  /** How many batches pass between two trims of old heads. */
  trimEveryBatches: 64,
  /** How often a tail looks for records of other processes. */
  tailPollMs: 500,
  /** Bounds of the caches, in entries. */
  cachedRows: 50_000,
  cachedMaterials: 10_000,
  cachedPseudonyms: 10_000,
  cachedDataKeys: 1000,
  /** Nodes of state trees, of up to a KiB each, that a house keeps for all its tenants. */
  cachedTreeNodes: 8192,
  /** For how long `withDataKey` uses a data key again, for how many calls, and for how many bytes. */
  dataKeyAgeMs: 300_000,
  dataKeyMessages: 1000,
  dataKeyBytes: 1024 * 1024 * 1024,
  /** Most grants of one principal on one key. */
  grantsPerKey: 100,
  /** Most quotas on one operation. */
  quotasPerOperation: 20,
  /** Most messages of one key version that a process takes in advance. */
  leasedMessages: 65_536,
  /** Most aliases of one key. */
  aliasesPerKey: 100,
})
