import { z } from 'zod'
import type { KeyringState } from '../keys/keyring-store.ts'
import type { UseOperation } from '../runtime.ts'
import type { KeyringEpochRow, KeyringRow } from '../state/keyring-rows.ts'
import { rowsAs } from '../state/rows.ts'
import { limits } from '../internal/defaults.ts'

/** Nothing is asked for. */
export type DescribeRootKeyRequest = Readonly<Record<never, never>>

const schema = z.strictObject({})

/** Tells what the keyring hangs on, as it is stored. */
export const describeRootKey: UseOperation<DescribeRootKeyRequest, z.output<typeof schema>, KeyringState> = {
  action: 'describeRootKey',
  effect: 'read',
  schema,
  perform: async (_, walk) => {
    await walk.authorize('describeRootKey')
    return walk.snapshot(async (reader, { tenant }) => {
      const all = { prefix: [tenant], limit: limits.items }
      return {
        keyring: rowsAs<KeyringRow>(await reader.range('keyring', all)),
        wraps: rowsAs<KeyringRow>(await reader.range('keyring_wraps', all)),
        epochs: rowsAs<KeyringEpochRow>(await reader.range('keyring_epochs', all)),
      }
    })
  },
}
