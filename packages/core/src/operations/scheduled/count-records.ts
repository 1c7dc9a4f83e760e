import { z } from 'zod'
import type { UseOperation } from '../../runtime.ts'

const schema = z.strictObject({})

/** Does nothing but being recorded: with its record, those before it are counted that only asked for numbers. */
export const countRecords: UseOperation<object, z.output<typeof schema>, undefined> = {
  action: 'countRecords',
  effect: 'read',
  schema,
  perform: async (_, walk) => {
    await walk.authorize('countRecords')
    return undefined
  },
}
