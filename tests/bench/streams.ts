import { createCipheriv, createSecretKey, randomBytes } from 'node:crypto'
import { createKms, generateRootKey, localRootKey, type Kms } from '@chatelaine/core'
import { memoryStorage } from '@chatelaine/storage-memory'
import { median, seconds } from './measure.ts'
import { cut, mebibyte, mebibytesPerSecond, piped, portionBytes, repeated, secondsThrough } from './portions.ts'
import type { Figure, Ratio, Report, Run } from './section.ts'
import { largeFile } from './stream-memory.ts'

const chunkBytes = 16_384
/** Each round puts so much through. */
const roundBytes = 64 * mebibyte
/** Rounds are short, and there are more of them: what else the machine does then falls on all that is compared. */
const roundsOfOne = 4
const gcm = { authTagLength: 16 } as const

/** What a stream cannot do without: one cipher for each chunk, with a key object, from memory and to nowhere. */
function bare(input: Buffer): void {
  const key = createSecretKey(randomBytes(32))
  const nonce = randomBytes(12)
  for (let done = 0; done < roundBytes; done += portionBytes) {
    for (let at = 0; at < portionBytes; at += chunkBytes) {
      nonce.writeUInt32BE((done + at) / chunkBytes, 8)
      const cipher = createCipheriv('aes-256-gcm', key, nonce, gcm)
      cipher.update(input.subarray(at, at + chunkBytes))
      cipher.final()
      cipher.getAuthTag()
    }
  }
}

const portions = (input: Buffer): Iterable<Uint8Array> => repeated(input, roundBytes / portionBytes)

/** A message of `roundBytes`: made once, and kept. */
async function sealed(kms: Kms, input: Buffer): Promise<Buffer> {
  const parts: Uint8Array[] = []
  await piped(portions(input), [kms.encryptStream({ key: 'k' })], (part) => void parts.push(part))
  return Buffer.concat(parts)
}

const ways = ['bare', 'encrypt', 'decrypt'] as const
type Way = (typeof ways)[number]

/** Seconds of each way, round by round. */
async function timed(kms: Kms, rounds: number): Promise<Record<Way, number[]>> {
  const input = randomBytes(portionBytes)
  const message = await sealed(kms, input)
  const run: Record<Way, () => Promise<number>> = {
    bare: async () => seconds(() => bare(input)),
    encrypt: async () => secondsThrough(portions(input), kms.encryptStream({ key: 'k' }), message.length),
    decrypt: async () => secondsThrough(cut(message), kms.decryptStream(), roundBytes),
  }
  const times: Record<Way, number[]> = { bare: [], encrypt: [], decrypt: [] }
  for (let round = 0; round <= rounds * roundsOfOne; round++) {
    for (const way of ways) {
      const took = await run[way]()
      // The first round is for the compiler.
      if (round > 0) times[way].push(took)
    }
  }
  return times
}

/** Streams: what they cost on top of bare ciphers, what memory they take, and whether a large file survives them. */
export async function streams({ rounds, seed }: Run): Promise<Report> {
  const kms = await createKms({ storage: memoryStorage(), rootKey: localRootKey(generateRootKey()) })
  await kms.keys.create({ name: 'k', spec: 'AES_256' })
  const file = await largeFile(kms, seed)
  const times = await timed(kms, rounds)
  await kms.close()
  const rate = (way: Way): string => mebibytesPerSecond(roundBytes, median(times[way]))
  const shareOf = (way: Way): Ratio => ({
    value: median(times[way].map((took, round) => (times.bare[round] as number) / took)),
    of: '% of bare',
    atLeast: 0.55,
  })
  const figures: Figure[] = [
    { name: 'bare, one cipher for 16 KiB', measured: rate('bare') },
    { name: 'encryptStream', measured: rate('encrypt'), ratio: shareOf('encrypt') },
    { name: 'decryptStream', measured: rate('decrypt'), ratio: shareOf('decrypt') },
    {
      name: '1 GiB through both, random portions',
      measured: file.same ? '    same SHA-256' : '   OTHER SHA-256',
      ratio: { value: file.same ? 1 : 0, of: 'of 1 file came back', atLeast: 1 },
    },
    {
      name: '   memory',
      measured: `${file.looks} looks`,
      ratio: { value: file.looks > 0 ? file.grownMebibytes : NaN, of: 'MiB more', atMost: 64 },
    },
  ]
  const round = `${roundBytes / mebibyte} MiB a round`
  return { circumstances: ['memory storage', 'inputs of 64 KiB', round, `seed ${seed}`], figures }
}
