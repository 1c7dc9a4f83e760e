import { z } from 'zod'
import { decodeGrant } from '../access/grant.ts'
import { ownerLabel, tagLabel, tagsOf } from '../keys/labels.ts'
import { keyAt } from '../keys/state.ts'
import type { Page, UseOperation, Walk } from '../runtime.ts'
import { decodeGrants, decodeKeys } from '../state/decode.ts'
import type { KeyLabelRow } from '../state/lifecycle-rows.ts'
import { rowsAs, type GrantRow, type KeyRow } from '../state/rows.ts'
import type { StorageReader } from '../storage/adapter.ts'
import { textOf } from './shared/fields.ts'
import { describeKeyRow, type KeyDescription } from './shared/keys.ts'
import { decodeCursor, defaultPageLimit, encodeCursor, pageFields, type PageRequest } from './shared/pages.ts'

/** Which keys to list. */
export interface ListKeysRequest extends PageRequest {
  /** Only those of this owner. @defaultValue of all */
  readonly owner?: string | undefined
  /** Only those with a tag of this name and `tagValue`. @defaultValue with any tags */
  readonly tagKey?: string | undefined
  /** What the tag says. Goes with `tagKey`. */
  readonly tagValue?: string | undefined
}

const schema = z
  .strictObject({
    owner: textOf(256).optional(),
    tagKey: textOf(128).optional(),
    tagValue: z
      .string()
      .max(256)
      .refine((value) => value.isWellFormed(), 'it is not well-formed text')
      .optional(),
    ...pageFields,
  })
  .refine(({ tagKey, tagValue }) => (tagKey === undefined) === (tagValue === undefined), {
    path: ['tagValue'],
    message: 'tagKey and tagValue go together',
  })
type Asked = z.output<typeof schema>

/** A page looks at so many keys at most: one of few finds may be short, or empty, and still have a cursor. */
const lookedAt = 1000

/** Lists the keys that the caller may describe, in the order of their ids. */
export const listKeys: UseOperation<ListKeysRequest, Asked, Page<KeyDescription>> = {
  action: 'listKeys',
  effect: 'read',
  schema,
  perform: async (request, walk) => {
    await walk.authorize('listKeys')
    // Which keys a service sees is up to its grants, each of which may be gone by the time that this is recorded.
    if (walk.actor.role === 'service') walk.dependsOnAll()
    const [after] = (decodeCursor(request.cursor, ['string']) ?? []) as readonly string[]
    return walk.snapshot(async (reader, { tenant }) => {
      const on: Place = { reader, tenant, after }
      const all = walk.actor.role !== 'service' || (await seesAll(walk, on))
      return pageOfKeys(walk, request, all ? await candidates(on, request) : granted(walk, on))
    })
  },
}

interface Place {
  readonly reader: StorageReader
  readonly tenant: string
  /** The id after which it goes on. */
  readonly after: string | undefined
}

/** Keys in the order of their ids, as they are read. */
type Candidates = AsyncGenerator<KeyRow> | readonly KeyRow[]

async function pageOfKeys(walk: Walk, request: Asked, keys: Candidates): Promise<Page<KeyDescription>> {
  const limit = request.limit ?? defaultPageLimit
  const items: KeyDescription[] = []
  let last: string | undefined
  let seen = 0
  for await (const key of keys) {
    if (items.length === limit || seen === lookedAt) return { items, cursor: encodeCursor([last as string]) }
    if (fits(key, request)) items.push(describeKeyRow(keyAt(key, walk.now)))
    last = key.id
    seen += 1
  }
  return { items }
}

/** Whether a key is one of those that were asked for, whatever led to it. */
function fits(key: KeyRow, { owner, tagKey, tagValue }: Asked): boolean {
  if (owner !== undefined && key.owner !== owner) return false
  return tagKey === undefined || tagsOf(key).get(tagKey) === tagValue
}

/** All keys, or those that have the label which was asked for: one more than a page, and then page by page. */
async function candidates(on: Place, request: Asked): Promise<Candidates> {
  const { owner, tagKey, tagValue } = request
  if (owner !== undefined) return labelled(on, ownerLabel(owner))
  if (tagKey !== undefined) return labelled(on, tagLabel(tagKey, tagValue ?? ''))
  const after = on.after === undefined ? undefined : [on.after]
  const limit = (request.limit ?? defaultPageLimit) + 1
  return decodeKeys(await on.reader.range('keys', { prefix: [on.tenant], after, limit }))
}

async function* labelled({ reader, tenant, after: first }: Place, label: string): AsyncGenerator<KeyRow> {
  let after = first
  for (;;) {
    const range = { index: 'by_label', prefix: [tenant, label], limit: defaultPageLimit }
    const rows = rowsAs<KeyLabelRow>(
      await reader.range('key_labels', after === undefined ? range : { ...range, after: [after] }),
    )
    for (const { keyId } of rows) {
      const key = await reader.get('keys', [tenant, keyId])
      if (key !== undefined) yield* decodeKeys([key])
      after = keyId
    }
    if (rows.length < defaultPageLimit) return
  }
}

async function seesAll(walk: Walk, { reader, tenant }: Place): Promise<boolean> {
  const rows = await reader.range('grants', { prefix: [tenant, walk.actor.id, '*'], limit: 100 })
  return decodeGrants(rows).some((row) => describes(walk, row))
}

/** The keys that a grant names one by one. */
async function* granted(walk: Walk, { reader, tenant, after: first }: Place): AsyncGenerator<KeyRow> {
  let after: readonly string[] = [first ?? '*']
  let last: string | undefined
  for (;;) {
    const range = { prefix: [tenant, walk.actor.id], after, limit: defaultPageLimit }
    const rows = decodeGrants(await reader.range('grants', range))
    for (const row of rows) {
      after = [row.keyId, row.id]
      if (last === row.keyId || !describes(walk, row)) continue
      last = row.keyId
      const key = await reader.get('keys', [tenant, row.keyId])
      if (key !== undefined) yield* decodeKeys([key])
    }
    if (rows.length < defaultPageLimit) return
  }
}

function describes(walk: Walk, row: GrantRow): boolean {
  const { operations, constraints } = decodeGrant(row)
  const free = Object.keys(constraints).length === 0
  const shows = free && operations.has('describeKey') && walk.now < (row.expiresAt ?? Infinity)
  if (shows && row.expiresAt !== null) walk.endsAt(row.expiresAt)
  return shows
}
