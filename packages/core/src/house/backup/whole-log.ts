import type { MacKeys } from '../../audit/head-guard.ts'
import type { LogKeys } from '../../audit/log-keys.ts'
import { prunedLog, type Pruned } from '../../audit/pruned.ts'
import { verifyChain } from '../../audit/verify.ts'
import { StorageTamperedError } from '../../errors.ts'
import { fetchAnswer } from '../../state/query.ts'
import type { StorageReader } from '../../storage/adapter.ts'
import { provenOrigin } from '../proven.ts'

/** Whose log it is, and the keys that it is verified with. */
export interface LogToVerify {
  readonly tenant: string
  readonly keys: LogKeys
  readonly macKeyOf: MacKeys
}

/**
 * Verifies the whole log of one snapshot, or one transaction: when it goes into an archive, which is worth nothing
 * otherwise, and when it comes out of one.
 *
 * @throws StorageTamperedError
 */
export async function requireWholeLog(reader: StorageReader, { tenant, keys, macKeyOf }: LogToVerify): Promise<void> {
  const genesis = await reader.get('records', [tenant, 0])
  const checkpoint = await reader.get('checkpoints', [tenant, 1])
  const origin = provenOrigin({ genesis, checkpoint }, keys.first)
  const verified = await verifyChain({
    tenant,
    origin,
    publicKey: keys.first,
    allKeys: () => keys.all,
    macKeyOf,
    snapshot: async (read) => read(reader),
    pruned: async (): Promise<Pruned | undefined> => fetchAnswer(reader, tenant, prunedLog),
  })
  if (verified.ok) return
  const { seq, kind } = verified.problem
  throw new StorageTamperedError(`the audit log does not verify: ${kind} at record ${seq}`)
}
