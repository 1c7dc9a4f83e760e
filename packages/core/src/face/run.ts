import type { CallOptions } from '../call.ts'
import type { DataKeyCache } from '../keys/data-key-cache.ts'
import type { DataKeyScope, LentDataKey } from '../operations/use-data-key.ts'
import type { AuditRecord, Operation, Page, UseOperation } from '../runtime.ts'
import type { Actor } from '../stages.ts'
import type { ByteTransform } from '../stream-session.ts'
import type { StreamOperation } from '../streaming.ts'
import { Listing } from './listing.ts'

/** Runs operations for one principal of one tenant. */
export interface Run {
  /** Runs an operation, and records it. */
  <Q, P, R>(operation: Operation<Q, P, R>, request: Q, options: CallOptions | undefined): Promise<R>
  /** Runs a read on, as part of one that was recorded when it began. */
  onward<Q, P, R>(operation: UseOperation<Q, P, R>, request: Q, options: CallOptions | undefined): Promise<R>
  /** Makes a stream, which is recorded when its first byte comes and when it ends. */
  stream<Q, P>(operation: StreamOperation<Q, P>, request: Q, options: CallOptions | undefined): ByteTransform
  /** Where the house is. */
  readonly house: Here | Elsewhere
}

/** A house in this process. */
export interface Here {
  readonly isHere: true
  /** Resolves when there may be new records. */
  readonly nextCommit: (signal: AbortSignal | undefined) => Promise<void>
  /** For whom. */
  readonly actor: Actor
  /** Data keys that are used again, of all principals of the tenant. */
  readonly dataKeys: DataKeyCache
}

/** A house in another process: what is more than a request and its answer. */
export interface Elsewhere {
  readonly isHere: false
  /** Records as they are made. */
  tail(request: TailRequest, options: CallOptions): AsyncGenerator<AuditRecord, void, undefined>
  /** A data key for one call. */
  lend(scope: DataKeyScope, options: CallOptions | undefined): Promise<LentDataKey>
}

/** Which records to follow. */
export interface TailRequest {
  /** Begin with this `seq`. @defaultValue the next record */
  readonly from?: number | undefined
}

/** A list that an operation gives in pages. */
export function listing<Q extends object, P, T>(
  run: Run,
  operation: UseOperation<Q, P, Page<T>>,
  call: { readonly request: Q; readonly options: CallOptions | undefined },
): Listing<T> {
  const { request, options } = call
  return new Listing(
    async () => run(operation, request, options),
    async (cursor) => run.onward(operation, { ...request, cursor }, options),
  )
}
