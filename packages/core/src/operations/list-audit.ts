import { z } from 'zod'
import { isFault, readRecord, type AuditRecord, type RecordFault } from '../audit/audit-record.ts'
import { prunedLog } from '../audit/pruned.ts'
import { InvalidRequestError, StorageTamperedError } from '../errors.ts'
import type { Page, UseOperation, Walk } from '../runtime.ts'
import type { Row } from '../storage/table.ts'
import { context, id, type EncryptionContext } from './shared/fields.ts'
import { decodeCursor, defaultPageLimit, encodeCursor, pageFields, type PageRequest } from './shared/pages.ts'

/** Which records to list. */
export interface ListAuditRequest extends PageRequest {
  /** Only records of this key, by its id. Indexed; the other filters look at records one by one. */
  readonly keyId?: string | undefined
  /** Only records of this principal, also those that hold its keyed hash. */
  readonly actor?: string | undefined
  /** Only records of keys of this owner, also those that hold its keyed hash. */
  readonly owner?: string | undefined
  /** Only records of this action, such as `decrypt`. */
  readonly action?: string | undefined
  /** Only records that ended so. */
  readonly status?: 'SUCCESS' | 'DENIED' | 'FAILURE' | undefined
  /** Only records that name all these pairs of an encryption context. They are looked up by hashing them again. */
  readonly context?: EncryptionContext | undefined
  /** Direction: `asc` is oldest first. @defaultValue 'asc' */
  readonly order?: 'asc' | 'desc' | undefined
  /** Only records with at least this `seq`. @defaultValue 0 */
  readonly from?: number | undefined
}

const schema = z.strictObject({
  keyId: id.optional(),
  actor: z.string().max(256).optional(),
  owner: z.string().max(256).optional(),
  action: z.string().max(64).optional(),
  status: z.enum(['SUCCESS', 'DENIED', 'FAILURE']).optional(),
  context: context.optional(),
  order: z.enum(['asc', 'desc']).optional(),
  from: z.int().min(0).optional(),
  ...pageFields,
})
type Parsed = z.output<typeof schema>

/** Most records that one page looks at: a page of a rare filter may be short, or empty, and still have a cursor. */
const maxLooked = 10_000

/** Where the log begins, as far as a list is concerned. */
type Beginning = (walk: Walk) => Promise<number>

/** What stands in the place of records that were pruned is no part of the log: no verification would look at it. */
const unpruned: Beginning = async (walk) => (await walk.row(prunedLog))?.size ?? 0

/** Lists audit records. Each is checked against its hash; whether they hang together, `verifyAudit` says. */
export const listAudit: UseOperation<ListAuditRequest, Parsed, Page<AuditRecord>> = listing(readIntact, unpruned)

/** Finds audit records by an encryption context, an actor or an owner, which is data: over a wire it is in no URL. */
export const findAudit: UseOperation<ListAuditRequest, Parsed, Page<AuditRecord>> = {
  ...listAudit,
  perform: async (request, walk) => {
    const isNamed = request.actor !== undefined || request.owner !== undefined
    if (!isNamed && (request.context?.pairs.length ?? 0) === 0) {
      throw new InvalidRequestError('find takes at least one pair of a context, an actor or an owner')
    }
    return listAudit.perform(request, walk)
  },
}

/** Lists audit records as they are stored, damaged ones among them: for whoever looks at a broken store. */
export const listStoredAudit: UseOperation<ListAuditRequest, Parsed, Page<StoredRecord>> = listing(
  readStored,
  async () => 0,
)

/** A record, or what is left of one. */
export type StoredRecord = AuditRecord | DamagedRecord

/** A stored record whose text, hash and columns do not agree. */
export interface DamagedRecord {
  /** Where it stands. */
  readonly seq: number
  /** What is wrong with it. */
  readonly damage: RecordFault
  /** Its text, as it is stored. */
  readonly text: string
}

function listing<T>(read: (row: Row) => T, beginning: Beginning): UseOperation<ListAuditRequest, Parsed, Page<T>> {
  return {
    action: 'readAudit',
    effect: 'read',
    schema,
    perform: async (request, walk) => {
      await walk.authorize('readAudit')
      const begin = await beginning(walk)
      // Record 0 is never pruned.
      const isOfLog = (seq: number, size: number): boolean => seq < size && (seq >= begin || seq === 0)
      return pageOfLog(request, walk, { read, isOfLog })
    },
  }
}

interface Reading<T> {
  readonly read: (row: Row) => T
  readonly isOfLog: (seq: number, size: number) => boolean
}

async function pageOfLog<T>(request: Parsed, walk: Walk, { read, isOfLog }: Reading<T>): Promise<Page<T>> {
  const limit = request.limit ?? defaultPageLimit
  const items: T[] = []
  const isWanted = filterOf(request, walk)
  let place = startOf(request)
  for (let looked = 0; looked < maxLooked;) {
    const range = rangeOf(request, place)
    const { rows, size } = await walk.snapshot(async (reader, { tenant, size }) => ({
      size,
      rows: await reader.range('records', { ...range, prefix: [tenant, ...range.prefix], limit: 500 }),
    }))
    for (const row of rows) {
      place = row['seq'] as number
      if (beforeFrom(request, place)) return { items }
      if (isOfLog(place, size) && isWanted(row)) items.push(read(row))
      if (items.length === limit) return { items, cursor: encodeCursor([place]) }
    }
    if (rows.length < 500) return { items }
    looked += rows.length
  }
  return { items, cursor: encodeCursor([place as number]) }
}

function startOf(request: Parsed): number | undefined {
  const place = decodeCursor(request.cursor, ['number'])?.[0] as number | undefined
  return place ?? (request.order === 'desc' || request.from === undefined ? undefined : request.from - 1)
}

function rangeOf(
  { keyId, order }: Parsed,
  place: number | undefined,
): {
  index?: string
  prefix: string[]
  after?: number[]
  order: 'asc' | 'desc'
} {
  const start = place === undefined ? {} : { after: [place] }
  const way = keyId === undefined ? { prefix: [] } : { index: 'by_key', prefix: [keyId] }
  return { ...way, ...start, order: order ?? 'asc' }
}

function beforeFrom(request: Parsed, seq: number): boolean {
  return request.order === 'desc' && seq < (request.from ?? 0)
}

/** Which records are wanted: what may stand in them hashed is looked for in every form. */
function filterOf(request: Parsed, walk: Walk): (row: Row) => boolean {
  const { context: asked, actor, owner } = request
  const pairs = asked === undefined ? [] : walk.recorded.formsOf(asked)
  const actors = actor === undefined ? undefined : walk.recorded.formsOfName('actor', actor)
  const owners = owner === undefined ? undefined : walk.recorded.formsOfName('owner', owner).map(memberOfOwner)
  return (row) => {
    if (!matches(request, row) || actors?.includes(row['actor'] as string) === false) return false
    const text = row['text'] as string
    return owners?.some((member) => text.includes(member)) !== false && namesAll(row, pairs)
  }
}

function matches(request: Parsed, row: Row): boolean {
  return (['action', 'status'] as const).every(
    (column) => request[column] === undefined || request[column] === row[column],
  )
}

function memberOfOwner(owner: string): string {
  return `,"owner":${JSON.stringify(owner)},`
}

/** Whether a record's text names one form of each pair. */
function namesAll(row: Row, wanted: readonly (readonly string[])[]): boolean {
  const text = row['text'] as string
  return wanted.every((forms) => forms.some((form) => text.includes(JSON.stringify(form))))
}

function readStored(row: Row): StoredRecord {
  const record = readRecord(row)
  return isFault(record) ? { seq: row['seq'] as number, damage: record, text: row['text'] as string } : record
}

function readIntact(row: Row): AuditRecord {
  const record = readRecord(row)
  if (isFault(record)) throw new StorageTamperedError(`audit record ${String(row['seq'])} does not verify`)
  return record
}
