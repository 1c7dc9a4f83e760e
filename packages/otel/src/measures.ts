import type { RecordEvent, TelemetryGauges } from '@chatelaine/core'
import { ValueType, type Attributes, type BatchObservableResult, type Meter } from '@opentelemetry/api'
import { attribute, durationBounds, metric, otherError } from './names.ts'

const statuses = { SUCCESS: 'success', DENIED: 'denied', FAILURE: 'failure' } as const

/** The instruments: what is measured of each record, and what is looked at now and then. */
export class Measures {
  readonly #meter: Meter
  readonly #duration
  readonly #items
  readonly #waiting
  readonly #lag
  readonly #dataKeys

  constructor(meter: Meter) {
    this.#meter = meter
    this.#duration = meter.createHistogram(metric.duration, {
      description: 'Time from call to record.',
      unit: 's',
      advice: { explicitBucketBoundaries: durationBounds },
    })
    this.#items = meter.createCounter(metric.items, {
      description: 'Messages, keys and the like that calls were about.',
      unit: '{item}',
      valueType: ValueType.INT,
    })
    const whole = { valueType: ValueType.INT }
    this.#waiting = meter.createObservableGauge(metric.waiting, {
      description: 'Operations that wait for their records.',
      unit: '{operation}',
      ...whole,
    })
    this.#lag = meter.createObservableGauge(metric.lag, {
      description: 'How long the first of them has waited.',
      unit: 's',
    })
    this.#dataKeys = meter.createObservableGauge(metric.dataKeys, {
      description: 'Data keys that are kept to be used again.',
      unit: '{key}',
      ...whole,
    })
  }

  /** Measures a record. */
  record({ tenant, action, status, code, counts, durationMs }: RecordEvent): void {
    const series: Attributes = { [attribute.tenant]: tenant, [attribute.operation]: action }
    const outcome = { ...series, [attribute.status]: statuses[status] }
    const failed = status === 'SUCCESS' ? {} : { [attribute.errorType]: code ?? otherError }
    this.#duration.record(durationMs / 1000, { ...outcome, ...failed })
    const items = counts ?? (status === 'SUCCESS' ? { ok: 1, failed: 0 } : { ok: 0, failed: 1 })
    if (items.ok > 0) this.#items.add(items.ok, { ...series, [attribute.status]: statuses.SUCCESS })
    if (items.failed > 0) this.#items.add(items.failed, { ...series, [attribute.status]: statuses.FAILURE })
  }

  /** Looks at a tenant whenever measurements are collected. Returns how to stop. */
  watch(tenant: string, read: () => TelemetryGauges): () => void {
    const gauges = [this.#waiting, this.#lag, this.#dataKeys]
    const series: Attributes = { [attribute.tenant]: tenant }
    const look = (result: BatchObservableResult): void => {
      const { waiting, lagMs, dataKeys } = read()
      result.observe(this.#waiting, waiting, series)
      result.observe(this.#lag, lagMs / 1000, series)
      result.observe(this.#dataKeys, dataKeys, series)
    }
    this.#meter.addBatchObservableCallback(look, gauges)
    return () => this.#meter.removeBatchObservableCallback(look, gauges)
  }
}
