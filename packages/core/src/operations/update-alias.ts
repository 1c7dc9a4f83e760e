import type { z } from 'zod'
import { retargetAlias } from '../keys/aliases.ts'
import type { ChangeOperation } from '../runtime.ts'
import { aliasSchema, describeAliasRow, type AliasDescription } from './shared/aliases.ts'
import { markOf } from './shared/key-state.ts'

/** An alias, and the key that it is to name from now on. */
export interface UpdateAliasRequest {
  /** The alias. */
  readonly alias: string
  /** The key: id, name or another alias. Of the same usage as the one before. */
  readonly key: string
}

/** Lets an alias name another key, for everybody at once. Needs `updateKey` on both. */
export const updateAlias: ChangeOperation<UpdateAliasRequest, z.output<typeof aliasSchema>, AliasDescription> = {
  action: 'updateAlias',
  effect: 'change',
  schema: aliasSchema,
  perform: async ({ alias, key: reference }, change) => {
    const from = await change.key('updateKey', alias)
    change.note({ alias, from: from.id })
    const key = await change.key('updateKey', reference)
    return describeAliasRow(await retargetAlias(change.set, from, { alias, key, mark: markOf(change, {}) }))
  },
}
