import { z } from 'zod'
import { KeyReader, rewrapRows, wrappedTables, type RowToMove } from '../keys/rewrap.ts'
import type { ChangeOperation } from '../runtime.ts'
import type { Row } from '../storage/table.ts'

/** Rows whose material is to be wrapped under the newest keyring epoch. */
export interface RewrapMaterialRequest {
  readonly rows: readonly RowToMove[]
}

const key = z.array(z.union([z.string(), z.int()])).min(1)
const table = z.string().refine((name) => Object.hasOwn(wrappedTables, name), 'nothing is wrapped there')
const row = z.custom<Row>((value) => typeof value === 'object' && value !== null, 'it is no row')

const schema = z.strictObject({ rows: z.array(z.strictObject({ table, key, row })).max(100) })

/** Wraps the material of some rows under the newest epoch, and says how many there were that needed it. */
export const rewrapMaterial: ChangeOperation<RewrapMaterialRequest, z.output<typeof schema>, number> = {
  action: 'rewrapMaterial',
  effect: 'change',
  schema,
  perform: async ({ rows }, change) => {
    await change.authorize('rewrapMaterial')
    const by = { set: change.set, keyring: change.keyring, random: change.random, keys: new KeyReader(change.set) }
    const moved = await rewrapRows(by, rows)
    change.note({ epoch: change.keyring.epoch, rows: moved })
    return moved
  },
}
