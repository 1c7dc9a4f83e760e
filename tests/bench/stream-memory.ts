import { createCipheriv, createHash } from 'node:crypto'
import type { Kms } from '@chatelaine/core'
import { numbers } from '../processes/plan.ts'
import { mebibyte, piped } from './portions.ts'

/** As much as a large file. */
const fileBytes = 1024 * mebibyte
/** Goes through before: what the runtime takes once, it has then. */
const warmUpBytes = 128 * mebibyte
const sampleMs = 100
const longestPortion = 128 * 1024
/** More portions than are on their way at any time, so that none is changed before it went through. */
const slots = 16

/**
 * Bytes that differ from place to place, in portions of random lengths. They are written over and over into a few
 * buffers, so that what is measured is not the source's memory.
 */
function* portionsOf(bytes: number, seed: number): Generator<Buffer> {
  const random = numbers(seed)
  const keystream = createCipheriv('aes-256-ctr', Buffer.alloc(32, seed), Buffer.alloc(16))
  const noise = keystream.update(Buffer.alloc(2 * longestPortion))
  const ring = Array.from({ length: slots }, () => Buffer.alloc(longestPortion))
  for (let done = 0, turn = 0; done < bytes; turn++) {
    const length = Math.min(bytes - done, 1 + Math.floor(random() * longestPortion))
    const portion = (ring[turn % slots] as Buffer).subarray(0, length)
    const from = Math.floor(random() * longestPortion)
    noise.copy(portion, 0, from, from + length)
    if (length >= 8) portion.writeBigUInt64BE(BigInt(done))
    done += length
    yield portion
  }
}

/** Encrypts and decrypts so many bytes at once. Says whether what came out is what went in. */
async function passes(kms: Kms, bytes: number, seed: number): Promise<boolean> {
  const [before, after] = [createHash('sha256'), createHash('sha256')]
  const hashed = function* (): Generator<Buffer> {
    for (const portion of portionsOf(bytes, seed)) {
      before.update(portion)
      yield portion
    }
  }
  await piped(hashed(), [kms.encryptStream({ key: 'k' }), kms.decryptStream()], (part) => void after.update(part))
  return before.digest().equals(after.digest())
}

/** What a large file came to. */
export interface LargeFile {
  /** Whether its SHA-256 is the same before and after. */
  readonly same: boolean
  /** How much more memory the process took at most, by a look each 100 ms, in MiB. */
  readonly grownMebibytes: number
  /** How often it was looked. */
  readonly looks: number
}

/** Puts 1 GiB through `encryptStream` and `decryptStream` together, and watches the memory of the process. */
export async function largeFile(kms: Kms, seed: number): Promise<LargeFile> {
  const warm = await passes(kms, warmUpBytes, seed + 1)
  const before = process.memoryUsage.rss()
  let [most, looks] = [before, 0]
  const timer = setInterval(() => {
    most = Math.max(most, process.memoryUsage.rss())
    looks += 1
  }, sampleMs)
  const same = await passes(kms, fileBytes, seed)
  clearInterval(timer)
  return { same: warm && same, grownMebibytes: (most - before) / mebibyte, looks }
}
