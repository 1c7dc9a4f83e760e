import { z } from 'zod'
import type { UseOperation } from '../runtime.ts'
import { needOf, needsReEncryptFields } from './shared/re-encryption-needs.ts'
import type { NeedsReEncryptRequest, NeedsReEncryptResult } from './shared/re-encryption-needs.ts'

const schema = z.strictObject(needsReEncryptFields)

/** Says whether a ciphertext is under the current version of its key, or of another key. */
export const needsReEncrypt: UseOperation<NeedsReEncryptRequest, z.output<typeof schema>, NeedsReEncryptResult> = {
  action: 'describeKey',
  effect: 'read',
  schema,
  perform: async (request, walk) => needOf(walk, request),
}
