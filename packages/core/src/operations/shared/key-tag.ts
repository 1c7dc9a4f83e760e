import { sha256 } from '../../crypto/hash.ts'
import { canonical } from '../../internal/canonical.ts'
import type { KeyDescription } from './keys.ts'

const shownBytes = 16

/**
 * The tag of a key as it is described: the same for the same description, another for another. A change that is given
 * it as `ifMatch` is done only while the key is still so. Over HTTP it is the `ETag`.
 *
 * @example
 * ```ts
 * import { keyTag, type Kms } from '@chatelaine/core'
 *
 * const rename = async (kms: Kms): Promise<void> => {
 *   const orders = await kms.keys.get({ key: 'orders' })
 *   await kms.keys.update({ key: 'orders', description: `${orders.description} (old)` }, { ifMatch: keyTag(orders) })
 * }
 * ```
 */
export function keyTag(description: KeyDescription): string {
  return sha256(Buffer.from(canonical(description), 'utf8'))
    .subarray(0, shownBytes)
    .toString('base64url')
}
