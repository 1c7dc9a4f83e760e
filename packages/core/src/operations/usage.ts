import { z } from 'zod'
import { at } from '../audit/usage/numbers.ts'
import type { ByAction, SeriesKind } from '../audit/usage/tally.ts'
import { readUsage } from '../audit/usage/usage-view.ts'
import { KeyNotFoundError } from '../errors.ts'
import { isUuid } from '../internal/uuid.ts'
import { keyById, keyName } from '../keys/queries.ts'
import type { UseOperation, Walk } from '../runtime.ts'
import type { StorageReader } from '../storage/adapter.ts'
import { keyReference, principalId, textOf } from './shared/fields.ts'
import { isUseOf } from './shared/last-use.ts'
import { recentUseOf, type RecentUseQuestion } from './shared/recent-use.ts'
import {
  describeActions,
  describeNumbers,
  sumOf,
  windowAt,
  windowField,
  type UsageCounts,
  type UsageWindow,
  type WindowDescription,
} from './shared/usage.ts'

/** Whose usage to read: exactly one of key, principal and owner. */
export interface UsageRequest {
  /** A key: id or name. */
  readonly key?: string | undefined
  /** A principal, by its id. */
  readonly principal?: string | undefined
  /** Whom keys belong to, in the host's words, such as a device. */
  readonly owner?: string | undefined
  /** Over what time. @defaultValue '24h' */
  readonly window?: UsageWindow | undefined
}

/** What was done with a key, by a principal, or with the keys of an owner. */
export interface Usage {
  /** The time that is counted. */
  readonly window: WindowDescription
  /** What was done, by the name of the operation. */
  readonly operations: Readonly<Record<string, UsageCounts>>
  /** All of it together. */
  readonly all: UsageCounts
  /**
   * Of a key: when it was last used with success, for anything that its usage allows, in the window or long before it;
   * `undefined` where none of its last 100 records is a use, or none of its last 1,000 where the window holds one.
   */
  readonly lastUsedAt: Date | undefined
}

const schema = z
  .strictObject({
    key: keyReference.optional(),
    principal: principalId.optional(),
    owner: textOf(256).optional(),
    ...windowField,
  })
  .refine(
    ({ key, principal, owner }) => [key, principal, owner].filter((each) => each !== undefined).length === 1,
    'exactly one of key, principal and owner is asked for',
  )
type Parsed = z.output<typeof schema>
/** So many records of a key are looked at where its counts say that some of them is a use. */
const furtherLook = 1000

/** Reads what was done with a key, by a principal, or with the keys of an owner. */
export const usage: UseOperation<UsageRequest, Parsed, Usage> = {
  action: 'readMetrics',
  effect: 'read',
  schema,
  perform: async (request, walk) => {
    await walk.authorize('readMetrics')
    const { from, shown } = windowAt(request.window, walk.now)
    const { kind, name } = await seriesOf(request, walk)
    const turn = async (): Promise<void> => walk.tools.timers.turn()
    const { actions, last } = await walk.snapshot(async (reader, { tenant, size }) => {
      const { tally } = await readUsage(reader, { tenant, size, kind, from, turn })
      const actions: ByAction = tally.series[kind].get(name) ?? new Map()
      const of = { tenant, keyId: name, size }
      return {
        actions,
        last: kind === 'keys' ? await lastUseOf(reader, { of, isCounted: holdsUse(actions) }) : undefined,
      }
    })
    return {
      window: shown,
      operations: describeActions(actions, describeNumbers),
      all: describeNumbers(sumOf(actions)),
      lastUsedAt: last === undefined ? undefined : new Date(last),
    }
  },
}

async function seriesOf({ key, principal, owner }: Parsed, walk: Walk): Promise<{ kind: SeriesKind; name: string }> {
  if (principal !== undefined) return { kind: 'principals', name: principal }
  if (owner !== undefined) return { kind: 'owners', name: owner }
  const reference = key as string
  const id = isUuid(reference) ? reference : (await walk.row(keyName(reference)))?.target
  if (id === undefined || (await walk.row(keyById(id))) === undefined) {
    throw new KeyNotFoundError('no key is called so')
  }
  return { kind: 'keys', name: id }
}

/** Counts know only when an operation was last asked for, with or without success: the records say when it succeeded. */
async function lastUseOf(
  reader: StorageReader,
  { of, isCounted }: { readonly of: RecentUseQuestion; readonly isCounted: boolean },
): Promise<number | undefined> {
  const { at, isAll } = await recentUseOf(reader, of)
  if (at !== undefined || isAll || !isCounted) return at
  return (await recentUseOf(reader, { ...of, limit: furtherLook })).at
}

/** Whether a key was used, by its counts. */
function holdsUse(actions: ByAction): boolean {
  return [...actions].some(([action, numbers]) => isUseOf(action) && (numbers[at.itemsOk] as number) > 0)
}
