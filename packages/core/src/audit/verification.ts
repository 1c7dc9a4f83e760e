/** What is wrong with a chain, and where. */
export interface AuditProblem {
  /** The record at which it shows; the chain's size where it shows at the end. */
  readonly seq: number
  /** What kind of fault it is. */
  readonly kind:
    | 'record-missing'
    | 'record-hash'
    | 'record-format'
    | 'record-column'
    | 'record-link'
    | 'change-link'
    | 'checkpoint'
    | 'head'
    | 'frontier'
    | 'state'
  /** What should be there. */
  readonly expected: string
  /** What is there. */
  readonly found: string
}

/** What a verification found. */
export type Verification = IntactLog | BrokenLog

/** A log in which nothing is wrong. */
export interface IntactLog {
  /** Nothing is wrong. */
  readonly ok: true
  /** How many records were checked. */
  readonly records: number
  /** Hash of the last record, in hex. */
  readonly head: string
  /** How many records were pruned before: what they led to was checked, they were not. Absent where none were. */
  readonly pruned?: number | undefined
}

/** A log in which something is wrong. */
export interface BrokenLog {
  /** Something is wrong. */
  readonly ok: false
  /** How many records before the problem were checked, and are right. */
  readonly records: number
  /** Hash of the last record that is right, in hex. */
  readonly head: string
  /** How many records were pruned before. Absent where none were. */
  readonly pruned?: number | undefined
  /** The first thing that is wrong. */
  readonly problem: AuditProblem
}

/** How to verify. */
export interface VerifyOptions {
  /** Start at this `seq`: links, columns and the head are checked, tree and checkpoints only from 0 on. A log that is shorter is not whole. */
  readonly from?: number | undefined
  /** Whether the rows of the state are compared with the tree that the head names. @defaultValue not where `from` is given */
  readonly state?: boolean | undefined
  /** Gives up when aborted. */
  readonly signal?: AbortSignal | undefined
  /** Called after every page with how many records are done, and of how many. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined
}
