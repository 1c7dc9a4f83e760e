import { z } from 'zod'
import { removeAlias } from '../keys/aliases.ts'
import type { ChangeOperation } from '../runtime.ts'
import { describeAliasRow, type AliasDescription } from './shared/aliases.ts'
import { name } from './shared/fields.ts'

/** An alias to take away. */
export interface DeleteAliasRequest {
  /** The alias. A key's own name is none. */
  readonly alias: string
}

const schema = z.strictObject({ alias: name })

/** Takes a further name of a key away; the key stays as it is. Needs `updateKey` on the key. */
export const deleteAlias: ChangeOperation<DeleteAliasRequest, z.output<typeof schema>, AliasDescription> = {
  action: 'deleteAlias',
  effect: 'change',
  schema,
  perform: async ({ alias }, change) => {
    await change.key('updateKey', alias)
    change.note({ alias })
    return describeAliasRow(await removeAlias(change.set, alias))
  },
}
