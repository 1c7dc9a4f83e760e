import { z } from 'zod'
import type { UseOperation } from '../runtime.ts'
import { keyReference } from './shared/fields.ts'
import { describeKeyRow, type KeyDescription } from './shared/keys.ts'

/** A key to describe. */
export interface DescribeKeyRequest {
  /** The key: id or name. */
  readonly key: string
}

const schema = z.strictObject({ key: keyReference })

/** Says what is known of a key. */
export const describeKey: UseOperation<DescribeKeyRequest, z.output<typeof schema>, KeyDescription> = {
  action: 'describeKey',
  effect: 'read',
  schema,
  perform: async ({ key }, walk) => describeKeyRow(await walk.key('describeKey', key)),
}
