import type { z } from 'zod'
import { addAlias } from '../keys/aliases.ts'
import type { ChangeOperation } from '../runtime.ts'
import { aliasSchema, describeAliasRow, type AliasDescription } from './shared/aliases.ts'
import { markOf } from './shared/key-state.ts'

/** A further name for a key. */
export interface CreateAliasRequest {
  /** Unique among the names and aliases of the tenant's keys: 1 to 256 of `A-Z a-z 0-9 / _ . -`, not in the shape of an id. */
  readonly alias: string
  /** The key: id, name or another alias. */
  readonly key: string
}

/** Gives a key a further name. Needs `updateKey` on the key. */
export const createAlias: ChangeOperation<CreateAliasRequest, z.output<typeof aliasSchema>, AliasDescription> = {
  action: 'createAlias',
  effect: 'change',
  schema: aliasSchema,
  perform: async ({ alias, key: reference }, change) => {
    const key = await change.key('updateKey', reference)
    change.note({ alias })
    return describeAliasRow(await addAlias(change.set, key, { alias, mark: markOf(change, {}) }))
  },
}
