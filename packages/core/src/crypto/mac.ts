import { createHmac } from 'node:crypto'
import type { SecretKey } from './secret-key.ts'
import { updateInSlices } from './slices.ts'

/** What the library knows about one MAC algorithm. */
export interface MacAlgorithm {
  /** Its name in AWS KMS. */
  readonly name: string
  /** OpenSSL's name of the hash. */
  readonly hash: 'sha224' | 'sha256' | 'sha384' | 'sha512'
  /** Length of a MAC, never truncated. */
  readonly macBytes: number
}

/** HMAC (RFC 2104, FIPS 198-1) of a message, yielding every MiB. */
export async function macOf(
  algorithm: MacAlgorithm,
  key: SecretKey,
  message: { readonly bytes: Buffer; readonly turn: () => Promise<void> },
): Promise<Buffer> {
  const mac = createHmac(algorithm.hash, key)
  await updateInSlices(mac, message.bytes, message.turn)
  return mac.digest()
}
