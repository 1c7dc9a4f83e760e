import { isKmsError } from '../errors.ts'
import type { Role } from '../stages.ts'
import type { RecordEvent } from './event.ts'
import type { Herald } from './herald.ts'

/**
 * What traces and measures operations: `openTelemetry()` of `@chatelaine/otel` is one. Nothing that it throws reaches an
 * operation: it is counted, in `ops.health()`. It gets names, codes and numbers, never a plaintext, a context or a key.
 */
export interface Telemetry {
  /**
   * An operation begins. Called at once when it is asked for, so that what the caller is in the middle of is known.
   * Returns what is called when it has ended.
   */
  begin(start: OperationStart): (end: OperationEnd) => void
  /** A record is durable. Called in a later turn of the event loop. */
  recorded(event: RecordEvent): void
  /** A tenant is open in this process. `read` tells how it is whenever it is asked. Returns what is called at its end. */
  opened(tenant: string, read: () => TelemetryGauges): () => void
}

/** An operation that begins. */
export interface OperationStart {
  /** The tenant. */
  readonly tenant: string
  /** The operation, by the name that it has in records. */
  readonly operation: string
  /** Whether it uses keys, reads, or changes the state. */
  readonly effect: 'use' | 'read' | 'change'
  /** Who asks, by role. */
  readonly role: Role
}

/** How an operation ended. */
export interface OperationEnd {
  /** Whether it succeeded, was denied, or failed otherwise. */
  readonly status: 'success' | 'denied' | 'failure'
  /** Code of the error; `undefined` where there is none, or it is none of the library's. */
  readonly code?: string | undefined
  /** The key that was used, where the result names it. */
  readonly keyId?: string | undefined
  /** The version that was used, where the result names it. */
  readonly keyVersion?: number | undefined
}

/** How a tenant is in this process. */
export interface TelemetryGauges {
  /** How many operations wait for their records. */
  readonly waiting: number
  /** How long the first of them has waited, in milliseconds. */
  readonly lagMs: number
  /** How many data keys are kept to be used again. */
  readonly dataKeys: number
}

/** Runs operations of a tenant under the eyes of telemetry. */
export type Watch = <R>(start: Omit<OperationStart, 'tenant'>, work: () => Promise<R>) => Promise<R>

/** What watches a tenant. */
export interface Watching {
  readonly settings: { readonly telemetry: Telemetry | undefined }
  readonly tenant: string
  readonly herald: Herald
  readonly gauges: () => TelemetryGauges
}

/** Watches a tenant until the herald is closed; `undefined` where nothing watches, so that it costs nothing. */
export function watch({ settings: { telemetry }, tenant, herald, gauges }: Watching): Watch | undefined {
  if (telemetry === undefined) return undefined
  herald.on('record', (event: RecordEvent) => telemetry.recorded(event))
  const closed = herald.guarded(() => telemetry.opened(tenant, gauges))
  if (typeof closed === 'function') herald.onClose(closed)
  return async (start, work) => {
    const end = herald.guarded(() => telemetry.begin({ tenant, ...start }))
    const ended = (how: OperationEnd): void => herald.guarded(() => end?.(how))
    try {
      const result = await work()
      ended({ status: 'success', ...keyOf(result) })
      return result
    } catch (error) {
      ended(isKmsError(error) ? { status: statusOf(error.code), code: error.code } : { status: 'failure' })
      throw error
    }
  }
}

function statusOf(code: string): OperationEnd['status'] {
  return code === 'ACCESS_DENIED' ? 'denied' : 'failure'
}

/** Which key a result names. */
function keyOf(result: unknown): Pick<OperationEnd, 'keyId' | 'keyVersion'> {
  if (typeof result !== 'object' || result === null || !Object.hasOwn(result, 'keyId')) return {}
  const { keyId, keyVersion } = result as { keyId?: unknown; keyVersion?: unknown }
  return {
    keyId: typeof keyId === 'string' ? keyId : undefined,
    keyVersion: typeof keyVersion === 'number' ? keyVersion : undefined,
  }
}
