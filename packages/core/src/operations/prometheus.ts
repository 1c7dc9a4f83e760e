import { z } from 'zod'
import { at, callsOf, durationBounds } from '../audit/usage/numbers.ts'
import type { ByAction } from '../audit/usage/tally.ts'
import { readStanding, type UsageAnswer } from '../audit/usage/usage-view.ts'
import type { HouseHealth } from '../house-health.ts'
import type { UseOperation } from '../runtime.ts'
import { prometheusText, type MetricFamily, type Sample } from './shared/prometheus-text.ts'

const schema = z.strictObject({})
/** Most operations that are shown: more than there are, and less than somebody could write into the database. */
const maxOperations = 200

/** Writes the metrics of a tenant as Prometheus reads them. */
export const prometheus: UseOperation<Record<never, never>, z.output<typeof schema>, string> = {
  action: 'readMetrics',
  effect: 'read',
  schema,
  perform: async (_, walk) => {
    await walk.authorize('readMetrics')
    const { answer, tenant, chain } = await walk.snapshot(async (reader, { tenant, size, revision }) => ({
      tenant,
      answer: await readStanding(reader, { tenant, size }),
      chain: { size, revision },
    }))
    const house = await walk.house.health({ ...answer, chain })
    return prometheusText([...familiesOfTenant(answer, tenant), ...familiesOfHouse(house, tenant)])
  },
}

function familiesOfTenant(answer: UsageAnswer, tenant: string): MetricFamily[] {
  const actions: ByAction = new Map([...answer.total].slice(0, maxOperations))
  const each = (samples: (numbers: readonly number[], operation: string) => Sample[]): Sample[] =>
    [...actions].flatMap(([operation, numbers]) => samples(numbers, operation))
  return [
    {
      name: 'chatelaine_operations_total',
      type: 'counter',
      help: 'Recorded calls of the tenant, by operation and outcome.',
      samples: each((numbers, operation) => outcomesOf(numbers, { tenant, operation })),
    },
    {
      name: 'chatelaine_operation_items_total',
      type: 'counter',
      help: 'Messages, keys and the like that calls were about, by operation and outcome.',
      samples: each((numbers, operation) => [
        { labels: { tenant, operation, status: 'success' }, value: numbers[at.itemsOk] as number },
        { labels: { tenant, operation, status: 'failure' }, value: numbers[at.itemsFailed] as number },
      ]),
    },
    {
      name: 'chatelaine_operation_duration_seconds',
      type: 'histogram',
      help: 'Time from call to record, by operation.',
      samples: each((numbers, operation) => histogramOf(numbers, { tenant, operation })),
    },
    {
      name: 'chatelaine_keys',
      type: 'gauge',
      help: 'Keys of the tenant, by state.',
      samples: Object.entries(answer.keys ?? {}).map(([state, value]) => ({ labels: { tenant, state }, value })),
    },
    {
      name: 'chatelaine_uncounted_records',
      type: 'gauge',
      help: 'Records that are in no count.',
      samples: [{ labels: { tenant }, value: answer.uncounted }],
    },
  ]
}

type Labels = Readonly<Record<string, string>>

function outcomesOf(numbers: readonly number[], labels: Labels): Sample[] {
  const statuses = { success: at.ok, denied: at.denied, failure: at.failed }
  return Object.entries(statuses).map(([status, index]) => ({
    labels: { ...labels, status },
    value: numbers[index] as number,
  }))
}

function histogramOf(numbers: readonly number[], labels: Labels): Sample[] {
  let below = 0
  const buckets = durationBounds.map((bound, index) => {
    below += numbers[at.buckets + index] as number
    return { suffix: '_bucket', labels: { ...labels, le: String(bound / 1000) }, value: below }
  })
  const count = callsOf(numbers)
  return [
    ...buckets,
    { suffix: '_bucket', labels: { ...labels, le: '+Inf' }, value: count },
    { suffix: '_sum', labels, value: (numbers[at.ms] as number) / 1000 },
    { suffix: '_count', labels, value: count },
  ]
}

/** A family of one value, or none. */
function single(
  name: string,
  type: 'counter' | 'gauge',
  on: { help: string; value: number | undefined } & { labels: Labels },
): MetricFamily {
  const { help, value, labels } = on
  return { name: `chatelaine_${name}`, type, help, samples: value === undefined ? [] : [{ labels, value }] }
}

function familiesOfHouse(house: HouseHealth, tenant: string): MetricFamily[] {
  const { chain, lastVerification, ledger, requests, dataKeys, signals, tampering } = house
  const of = (help: string, value: number | undefined) => ({ help, value, labels: { tenant } })
  const seconds = lastVerification === undefined ? undefined : lastVerification.at.getTime() / 1000
  const ok = lastVerification === undefined ? undefined : Number(lastVerification.ok)
  return [
    single('audit_records_total', 'counter', of('Records of the audit log.', chain?.size)),
    single('changes_total', 'counter', of('Changes of the state.', chain?.revision)),
    single('last_verification_timestamp_seconds', 'gauge', of('When the audit log was last verified.', seconds)),
    single('last_verification_ok', 'gauge', of('Whether it was intact then.', ok)),
    single(
      'tampering',
      'gauge',
      of('Whether this process met something that does not verify.', Number(tampering !== undefined)),
    ),
    single('ledger_waiting', 'gauge', of('Operations of this process that wait for their records.', ledger.waiting)),
    single('ledger_lag_seconds', 'gauge', of('How long the first of them has waited.', ledger.lagMs / 1000)),
    single(
      'refused_requests_total',
      'counter',
      of('Requests that this process refused for their shape.', requests.refused),
    ),
    single('data_keys_cached', 'gauge', of('Data keys that this process keeps to use again.', dataKeys.cached)),
    single(
      'data_key_hits_total',
      'counter',
      of('Calls in this process that were given a kept data key.', dataKeys.hits),
    ),
    single('data_key_misses_total', 'counter', of('Calls in this process that had a data key made.', dataKeys.misses)),
    single('signals_failed_total', 'counter', of('Calls of listeners and of the logger that failed.', signals.failed)),
    single('signals_dropped_total', 'counter', of('Events and log lines that were dropped.', signals.dropped)),
  ]
}
