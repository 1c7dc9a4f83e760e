import { createHmac } from 'node:crypto'
import { wipe } from '../internal/bytes.ts'
import { hmacSha256, secretKey, type SecretKey } from './secret-key.ts'

const label = Buffer.from('chatelaine/blind-index/v1\0', 'latin1')
const one = Buffer.from([1])
const fieldKeyBytes = 32

/** Most bits of an index. */
export const indexBits = 256

/** What is indexed, and how. */
export interface Indexed {
  /** Which column it is in: equal values of two fields have unrelated indexes. */
  readonly field: string
  /** The value, normalized. */
  readonly value: Uint8Array
  /** Length of the index. */
  readonly bits: number
}

/**
 * A blind index of a value: what finds equal values again without saying what they are.
 *
 * ```text
 * field key = HKDF-Expand(material, "chatelaine/blind-index/v1" 00 ‖ field, 32)      one block, with the key spec's hash
 * index     = the first bits of HMAC-SHA-256(field key, value), the rest of the last byte zero
 * ```
 */
export function blindIndexOf(key: SecretKey, hash: 'sha256' | 'sha512', { field, value, bits }: Indexed): Buffer {
  const block = createHmac(hash, key).update(label).update(field, 'utf8').update(one).digest()
  const fieldKey = secretKey(block.subarray(0, fieldKeyBytes))
  wipe(block)
  const index = hmacSha256(fieldKey, value).subarray(0, Math.ceil(bits / 8))
  const spare = index.length * 8 - bits
  if (spare > 0) index[index.length - 1] = ((index.at(-1) as number) >>> spare) << spare
  return Buffer.from(index)
}
