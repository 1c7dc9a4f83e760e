import type { AuditRecord } from '../../src/index.ts'

/** Counts of some records, made one by one from what the log says: the second opinion of the tests. */
export interface NaiveCounts {
  calls: number
  succeeded: number
  denied: number
  failed: number
  items: { succeeded: number; failed: number }
  durationMs: { mean: number; max: number }
  lastAt: Date | undefined
}

const hour = 3_600_000

/** The records of the hour that goes on and those before it, so many in all. */
export function inWindow(records: readonly AuditRecord[], now: number, hours: number): AuditRecord[] {
  const from = (Math.floor(now / hour) - hours + 1) * hour
  return records.filter(({ ts }) => Date.parse(ts) >= from)
}

/** Counts records. */
export function naiveCounts(records: readonly AuditRecord[]): NaiveCounts {
  const of = (status: string): number => records.filter((record) => record.status === status).length
  const sum = (value: (record: AuditRecord) => number): number =>
    records.reduce((all, record) => all + value(record), 0)
  const max = (value: (record: AuditRecord) => number): number =>
    records.reduce((most, record) => Math.max(most, value(record)), 0)
  return {
    calls: records.length,
    succeeded: of('SUCCESS'),
    denied: of('DENIED'),
    failed: of('FAILURE'),
    items: {
      succeeded: sum(({ status, counts }) => counts?.ok ?? (status === 'SUCCESS' ? 1 : 0)),
      failed: sum(({ status, counts }) => counts?.failed ?? (status === 'SUCCESS' ? 0 : 1)),
    },
    durationMs: {
      mean: records.length === 0 ? 0 : sum(({ durationMs }) => durationMs) / records.length,
      max: max(({ durationMs }) => durationMs),
    },
    lastAt: records.length === 0 ? undefined : new Date(max(({ ts }) => Date.parse(ts))),
  }
}

/** Counts records by something that they say, leaving out those that do not say it. */
export function naiveBy(
  records: readonly AuditRecord[],
  by: (record: AuditRecord) => string | undefined,
): Record<string, NaiveCounts> {
  const names = [...new Set(records.map(by))].filter((name) => name !== undefined).toSorted()
  return Object.fromEntries(names.map((name) => [name, naiveCounts(records.filter((record) => by(record) === name))]))
}
