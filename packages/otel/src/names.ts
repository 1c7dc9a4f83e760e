/** The instrumentation scope. */
export const scope = { name: '@chatelaine/otel', version: '0.1.0' } as const

/** Names of attributes. The README documents each. */
export const attribute = Object.freeze({
  tenant: 'chatelaine.tenant',
  operation: 'chatelaine.operation',
  effect: 'chatelaine.effect',
  role: 'chatelaine.role',
  status: 'chatelaine.status',
  keyId: 'chatelaine.key.id',
  keyVersion: 'chatelaine.key.version',
  /** OpenTelemetry's own name for the class of an error: here the code. */
  errorType: 'error.type',
})

/** Names of metrics. The README documents each. */
export const metric = Object.freeze({
  duration: 'chatelaine.operation.duration',
  items: 'chatelaine.operation.items',
  waiting: 'chatelaine.ledger.waiting',
  lag: 'chatelaine.ledger.lag',
  dataKeys: 'chatelaine.data_keys.cached',
})

/** What stands for the code of an error that is none of the library's. */
export const otherError = '_OTHER'

/** Bounds of the histogram of durations, in seconds. */
export const durationBounds = [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]
