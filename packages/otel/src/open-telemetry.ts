import { metrics, trace, type MeterProvider, type TracerProvider } from '@opentelemetry/api'
import type { Telemetry } from '@chatelaine/core'
import { Measures } from './measures.ts'
import { scope } from './names.ts'
import { beginSpan } from './spans.ts'

/** Options of {@link openTelemetry}. */
export interface OpenTelemetryOptions {
  /** Where spans go. @defaultValue the one that was registered with `@opentelemetry/api` */
  readonly tracerProvider?: TracerProvider | undefined
  /** Where measurements go. @defaultValue the one that was registered with `@opentelemetry/api` */
  readonly meterProvider?: MeterProvider | undefined
}

/**
 * Traces and metrics of a KMS, for `createKms({ telemetry })`. Where no SDK of OpenTelemetry is registered, nothing comes
 * of it. Register it first: instruments are asked for when a KMS is opened.
 *
 * Each operation is a span below the caller's active one; each record is measured. Attributes name operations, keys,
 * codes and numbers: never a plaintext, a context, a principal or a key.
 *
 * @example
 * ```ts
 * import { createKms, envRootKey } from '@chatelaine/core'
 * import { openTelemetry } from '@chatelaine/otel'
 * import { memoryStorage } from '@chatelaine/storage-memory'
 *
 * const kms = await createKms({
 *   storage: memoryStorage(),
 *   rootKey: envRootKey('KMS_ROOT_KEY'),
 *   telemetry: openTelemetry(),
 * })
 * ```
 */
export function openTelemetry(options: OpenTelemetryOptions = {}): Telemetry {
  const tracer = (options.tracerProvider ?? trace).getTracer(scope.name, scope.version)
  let measures: Measures | undefined
  const measured = (): Measures => {
    measures ??= new Measures((options.meterProvider ?? metrics).getMeter(scope.name, scope.version))
    return measures
  }
  return {
    begin: (start) => beginSpan(tracer, start),
    recorded: (event) => measured().record(event),
    opened: (tenant, read) => measured().watch(tenant, read),
  }
}
