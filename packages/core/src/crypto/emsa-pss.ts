import { randomFillSync } from 'node:crypto'
import { digestOf, equalBytes } from './hash.ts'

/** The hash of message and mask. */
interface PssHash {
  readonly name: 'sha256' | 'sha384' | 'sha512'
  readonly bytes: number
}

/**
 * EMSA-PSS-ENCODE of RFC 8017 section 9.1.1, for a message that is given by its digest; the salt as long as that.
 *
 * ```text
 * EM = (00 … 00 01 ‖ salt) XOR MGF1(H) ‖ H ‖ BC      H = hash(00 × 8 ‖ digest ‖ salt)
 * ```
 */
export function pssEncode(hash: PssHash, digest: Buffer, bits: number): Buffer {
  const salt = Buffer.allocUnsafeSlow(hash.bytes)
  randomFillSync(salt)
  const length = Math.ceil(bits / 8)
  const h = digestOf(hash.name, Buffer.alloc(8), digest, salt)
  const block = Buffer.alloc(length - hash.bytes - 1)
  block[block.length - salt.length - 1] = 1
  block.set(salt, block.length - salt.length)
  mask(hash, h, block)
  clearTop(block, 8 * length - bits)
  return Buffer.concat([block, h, Buffer.from([0xbc])])
}

/** EMSA-PSS-VERIFY of RFC 8017 section 9.1.2, the inverse. What is compared is public. */
export function pssMatches(on: { hash: PssHash; digest: Buffer; encoded: Buffer }, bits: number): boolean {
  const { hash, digest } = on
  const length = Math.ceil(bits / 8)
  const surplus = on.encoded.length - length
  if (surplus < 0 || on.encoded.subarray(0, surplus).some((byte) => byte !== 0)) return false
  const encoded = on.encoded.subarray(surplus)
  const block = Buffer.from(encoded.subarray(0, length - hash.bytes - 1))
  const h = encoded.subarray(block.length, length - 1)
  const spare = 8 * length - bits
  if (encoded.at(-1) !== 0xbc || (block[0] as number) >> (8 - spare) !== 0) return false
  mask(hash, h, block)
  clearTop(block, spare)
  const at = block.length - hash.bytes
  if (block[at - 1] !== 1 || block.subarray(0, at - 1).some((byte) => byte !== 0)) return false
  return equalBytes(h, digestOf(hash.name, Buffer.alloc(8), digest, block.subarray(at)))
}

/** XORs MGF1 of a seed into a block: RFC 8017 appendix B.2.1. */
function mask(hash: PssHash, seed: Buffer, block: Buffer): void {
  const counter = Buffer.alloc(4)
  for (let at = 0; at < block.length; at += hash.bytes) {
    counter.writeUInt32BE(at / hash.bytes)
    const some = digestOf(hash.name, seed, counter)
    for (let index = 0; index < some.length && at + index < block.length; index++) {
      block[at + index] = (block[at + index] as number) ^ (some[index] as number)
    }
  }
}

function clearTop(block: Buffer, bits: number): void {
  block[0] = (block[0] as number) & (0xff >> bits)
}
