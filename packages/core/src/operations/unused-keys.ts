import { z } from 'zod'
import { dayMs } from '../keys/validity.ts'
import type { Page, UseOperation } from '../runtime.ts'
import type { KeyRow, KeyState } from '../state/rows.ts'
import { pageOfKeys } from './shared/key-pages.ts'
import { pageFields, type PageRequest } from './shared/pages.ts'
import { recentUseOf, type RecentUse } from './shared/recent-use.ts'

/** Which keys count as unused. */
export interface UnusedKeysRequest extends PageRequest {
  /** Those that were not used with success in so many days, 1 to 36,500, and are as old. @defaultValue 90 */
  readonly unusedDays?: number | undefined
}

/** A key that nobody uses. */
export interface UnusedKey {
  /** Its id. */
  readonly keyId: string
  /** Its name, where it has one. */
  readonly name: string | undefined
  /** What it may be used for now. */
  readonly state: KeyState
  /** When it was made. */
  readonly createdAt: Date
  /** When it was last used; `undefined` where it never was, or none of its last 100 records is a use. */
  readonly lastUsedAt: Date | undefined
}

const schema = z.strictObject({ unusedDays: z.int().min(1).max(36_500).optional(), ...pageFields })
const defaultDays = 90
const inUse: ReadonlySet<KeyState> = new Set(['Enabled', 'Disabled'])

/**
 * Lists enabled and disabled keys that were not used for a while, in the order of their ids. A key with 100 records
 * since then, none of which is a use, is not listed: whether one before them is, this does not find out.
 */
export const unusedKeys: UseOperation<UnusedKeysRequest, z.output<typeof schema>, Page<UnusedKey>> = {
  action: 'readMetrics',
  effect: 'read',
  schema,
  perform: async (request, walk) => {
    await walk.authorize('readMetrics')
    const since = walk.now - (request.unusedDays ?? defaultDays) * dayMs
    return pageOfKeys(walk, request, async (key, { reader, tenant, size }) => {
      if (!inUse.has(key.state) || key.createdAt > since) return undefined
      const use = await recentUseOf(reader, { tenant, keyId: key.id, size })
      return isUnused(use, since) ? describe(key, use) : undefined
    })
  },
}

function isUnused({ at, isAll, lookedTo }: RecentUse, since: number): boolean {
  return at === undefined ? isAll || lookedTo <= since : at <= since
}

function describe({ id, name, state, createdAt }: KeyRow, { at }: RecentUse): UnusedKey {
  const lastUsedAt = at === undefined ? undefined : new Date(at)
  return { keyId: id, name: name ?? undefined, state, createdAt: new Date(createdAt), lastUsedAt }
}
