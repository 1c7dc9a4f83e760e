import type { Row } from '../../storage/table.ts'
import type { LinkedRecords } from '../chain.ts'
import type { RecordCounts, RecordDetails, RecordStatus } from '../record.ts'
import { countOf, membersOf } from './encoding.ts'
import type { LastVerification } from './standing.ts'
import { own, type Counted } from './tally.ts'

/** A record that is counted, with its place. */
export interface Placed extends Counted {
  readonly seq: number
}

/** What is counted of the records of a batch. */
export function countedOf({ drafts, measures, rows }: LinkedRecords): Placed[] {
  return drafts.map((draft, index) => ({
    draft,
    durationMs: measures[index]?.durationMs ?? 0,
    at: rows[index]?.['ts'] as number,
    seq: rows[index]?.['seq'] as number,
  }))
}

/** What is counted of a stored record. @throws TypeError, SyntaxError for a text that is none */
export function countedFrom(row: Row): Placed {
  const record = membersOf(JSON.parse(row['text'] as string))
  const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)
  const draft = {
    action: String(record['action']),
    actor: { id: String(record['actor']) },
    status: statusOf(record['status']),
    code: text(record['code']),
    reason: text(record['reason']),
    keyId: text(record['keyId']),
    owner: text(record['owner']),
    counts: record['counts'] === undefined ? undefined : countsOf(membersOf(record['counts'])),
    details: record['details'] as RecordDetails | undefined,
  }
  return { draft, durationMs: countOf(record['durationMs']), at: countOf(row['ts']), seq: countOf(row['seq']) }
}

/** The last verification among these records. */
export function lastVerificationIn(records: readonly Placed[]): LastVerification | undefined {
  const found = records.findLast(
    ({ draft }) => draft.action === 'verifyAudit' && typeof own(draft, 'details')?.['ok'] === 'boolean',
  )
  if (found === undefined) return undefined
  const { ok, records: checked } = own(found.draft, 'details') ?? {}
  return { seq: found.seq, at: found.at, ok: ok === true, records: Number(checked) }
}

function statusOf(value: unknown): RecordStatus {
  if (value === 'SUCCESS' || value === 'DENIED' || value === 'FAILURE') return value
  throw new TypeError('this is no status')
}

function countsOf({ ok, failed }: Readonly<Record<string, unknown>>): RecordCounts {
  return { ok: countOf(ok), failed: countOf(failed) }
}
