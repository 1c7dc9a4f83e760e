import { memoryOf, type ScryptStretching, type Stretching } from '../crypto/passphrase.ts'

/** Bytes of the salt of a stretched passphrase. */
export const stretchSaltBytes = 32
/** Bytes before the sealed key. */
export const headBytes = 4 + 12 + stretchSaltBytes

const magic = Buffer.from('PW1', 'latin1')
const MiB = 1024 * 1024

/** What is taken where nothing else is said: what OWASP recommends for each, or harder. */
export const defaultStretching = Object.freeze({
  scrypt: Object.freeze({ algorithm: 'scrypt', cost: 2 ** 17, blockSize: 8, parallelism: 1 } as const),
  argon2id: Object.freeze({ algorithm: 'argon2id', memoryKiB: 64 * 1024, passes: 3, parallelism: 1 } as const),
})

/**
 * Whether parameters are neither too weak to protect anything nor so hard that a hostile database could keep the machine
 * busy with them: checked when a key is wrapped, and again when one is opened.
 */
export function isReasonable(how: Stretching): boolean {
  if (!isWhole(how)) return false
  const memory = memoryOf(how)
  const { parallelism } = how
  if (memory < 16 * MiB || memory > 1024 * MiB || parallelism < 1 || parallelism > 16) return false
  if (how.algorithm === 'argon2id') return how.passes >= 2 && how.passes <= 16
  return isHard(how)
}

/** N is a power of two, as scrypt has it. */
function isHard({ cost, blockSize }: ScryptStretching): boolean {
  const isPower = 2 ** Math.round(Math.log2(cost)) === cost
  return isPower && cost >= 2 ** 14 && blockSize >= 8 && blockSize <= 32
}

/** Parameters are written down as whole numbers: others would be stretched by what they were not asked for. */
function isWhole(how: Stretching): boolean {
  return typeof how === 'object' && how !== null && numbersOf(how).every(Number.isInteger)
}

/**
 * What a key that was wrapped under a passphrase begins with.
 *
 * ```text
 * head = "PW1" ‖ algorithm u8 (1 scrypt, 2 Argon2id) ‖ three u32 ‖ salt 32
 *        scrypt: N, r, p     Argon2id: memory in KiB, passes, parallelism
 * ```
 */
export function headOf(how: Stretching, salt: Uint8Array): Buffer {
  const head = Buffer.alloc(headBytes)
  head.set(magic)
  head[3] = how.algorithm === 'scrypt' ? 1 : 2
  for (const [at, number] of numbersOf(how).entries()) head.writeUInt32BE(number, 4 + 4 * at)
  head.set(salt, 16)
  return head
}

function numbersOf(how: Stretching): readonly number[] {
  if (how.algorithm === 'scrypt') return [how.cost, how.blockSize, how.parallelism]
  return [how.memoryKiB, how.passes, how.parallelism]
}

/** The inverse of {@link headOf}; `undefined` for what is none, or asks for what is not reasonable. */
export function readHead(wrapped: Buffer): { readonly how: Stretching; readonly salt: Buffer } | undefined {
  if (wrapped.length <= headBytes || !wrapped.subarray(0, 3).equals(magic)) return undefined
  const [first, second, parallelism] = [4, 8, 12].map((at) => wrapped.readUInt32BE(at)) as [number, number, number]
  const how = stretchingOf(wrapped[3] as number, { first, second, parallelism })
  if (how === undefined || !isReasonable(how)) return undefined
  return { how, salt: Buffer.from(wrapped.subarray(16, headBytes)) }
}

function stretchingOf(
  code: number,
  { first, second, parallelism }: { first: number; second: number; parallelism: number },
): Stretching | undefined {
  if (code === 1) return { algorithm: 'scrypt', cost: first, blockSize: second, parallelism }
  if (code === 2) return { algorithm: 'argon2id', memoryKiB: first, passes: second, parallelism }
  return undefined
}
