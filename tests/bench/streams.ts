import { createCipheriv, createSecretKey, randomBytes } from 'node:crypto'
import { ReadableStream, WritableStream, type TransformStream } from 'node:stream/web'
import { createKms, generateRootKey, localRootKey, type ByteTransform, type Kms } from '@chatelaine/core'
import { memoryStorage } from '@chatelaine/storage-memory'
import { median, seconds } from './measure.ts'
import type { Figure, Ratio, Report, Run } from './section.ts'

const mebibyte = 1024 * 1024
const inputBytes = 64 * 1024
const chunkBytes = 16_384
/** Each round puts so much through; the memory is watched over as much as a large file. */
const roundBytes = 64 * mebibyte
/** Rounds are short, and there are more of them: what else the machine does then falls on all that is compared. */
const roundsOfOne = 4
const watchedBytes = 1024 * mebibyte
const sampleMs = 100
const gcm = { authTagLength: 16 } as const

/** What a stream cannot do without: one cipher for each chunk, with a key object, from memory and to nowhere. */
function bare(input: Buffer, bytes: number): void {
  const key = createSecretKey(randomBytes(32))
  const nonce = randomBytes(12)
  for (let done = 0; done < bytes; done += inputBytes) {
    for (let at = 0; at < inputBytes; at += chunkBytes) {
      nonce.writeUInt32BE((done + at) / chunkBytes, 8)
      const cipher = createCipheriv('aes-256-gcm', key, nonce, gcm)
      cipher.update(input.subarray(at, at + chunkBytes))
      cipher.final()
      cipher.getAuthTag()
    }
  }
}

/** The same portion over and over, or portions of random lengths. */
function sourceOf(input: Buffer, bytes: number, lengthOf: () => number): ReadableStream<Uint8Array> {
  let left = bytes
  return new ReadableStream<Uint8Array>({
    pull(controller) {
      if (left === 0) return controller.close()
      const length = Math.min(left, lengthOf())
      left -= length
      return controller.enqueue(input.subarray(0, length))
    },
  })
}

function sink(): { stream: WritableStream<Uint8Array>; bytes: () => number } {
  let bytes = 0
  return {
    stream: new WritableStream<Uint8Array>({
      write: (part) => {
        bytes += part.byteLength
      },
    }),
    bytes: () => bytes,
  }
}

/** Seconds for so many bytes through these transforms. What comes out is counted, and must be what was expected. */
async function timed(source: ReadableStream<Uint8Array>, transforms: readonly ByteTransform[]): Promise<Timed> {
  const end = sink()
  const took = await seconds(async () => {
    let stream = source
    for (const transform of transforms) {
      stream = stream.pipeThrough(transform as TransformStream<Uint8Array, Uint8Array>)
    }
    await stream.pipeTo(end.stream)
  })
  return { took, bytes: end.bytes() }
}

interface Timed {
  readonly took: number
  readonly bytes: number
}

/** How much more memory the process takes while something runs, in MiB, by a look each 100 ms. */
async function growth(work: () => Promise<unknown>): Promise<number> {
  const before = process.memoryUsage.rss()
  let most = before
  const timer = setInterval(() => {
    most = Math.max(most, process.memoryUsage.rss())
  }, sampleMs)
  await work()
  clearInterval(timer)
  return (Math.max(most, process.memoryUsage.rss()) - before) / mebibyte
}

const perSecond = (took: number): string => `${(roundBytes / mebibyte / took).toFixed(0).padStart(6)} MiB/s`

/** A message of `roundBytes` in pieces that are made again and again would not open: it is made once, and kept. */
async function sealed(kms: Kms, input: Buffer): Promise<Buffer> {
  const parts: Uint8Array[] = []
  const stream = sourceOf(input, roundBytes, () => inputBytes)
  for await (const part of stream.pipeThrough(kms.encryptStream({ key: 'k' }) as TransformStream)) parts.push(part)
  return Buffer.concat(parts)
}

function inPieces(message: Buffer): ReadableStream<Uint8Array> {
  let at = 0
  return new ReadableStream<Uint8Array>({
    pull(controller) {
      if (at >= message.length) return controller.close()
      const part = message.subarray(at, at + inputBytes)
      at += part.length
      return controller.enqueue(part)
    },
  })
}

/** Encrypts and decrypts a large file, in portions of random lengths, and says how much more memory that took. */
async function watched(kms: Kms, input: Buffer): Promise<number> {
  const random = (): number => 1 + Math.floor(Math.random() * 2 * inputBytes)
  const big = Buffer.concat([input, input])
  const run = async (bytes: number): Promise<void> => {
    const out = await timed(sourceOf(big, bytes, random), [kms.encryptStream({ key: 'k' }), kms.decryptStream()])
    if (out.bytes !== bytes) throw new Error(`of ${bytes} bytes ${out.bytes} came back`)
  }
  await run(32 * mebibyte)
  return growth(async () => run(watchedBytes))
}

/** Streams: what they cost on top of bare ciphers, and what memory they take. */
export async function streams({ rounds }: Run): Promise<Report> {
  const kms = await createKms({ storage: memoryStorage(), rootKey: localRootKey(generateRootKey()) })
  await kms.keys.create({ name: 'k', spec: 'AES_256' })
  const input = randomBytes(inputBytes)
  const grown = await watched(kms, input)
  const message = await sealed(kms, input)
  const times = { bare: [] as number[], encrypt: [] as number[], decrypt: [] as number[] }
  for (let round = 0; round <= rounds * roundsOfOne; round++) {
    const took = {
      bare: await seconds(() => bare(input, roundBytes)),
      encrypt: (
        await timed(
          sourceOf(input, roundBytes, () => inputBytes),
          [kms.encryptStream({ key: 'k' })],
        )
      ).took,
      decrypt: (await timed(inPieces(message), [kms.decryptStream()])).took,
    }
    // The first round is for the compiler.
    if (round > 0) for (const name of ['bare', 'encrypt', 'decrypt'] as const) times[name].push(took[name])
  }
  await kms.close()
  const shareOf = (name: 'encrypt' | 'decrypt'): Ratio => ({
    value: median(times[name].map((took, round) => (times.bare[round] as number) / took)),
    of: '% of bare',
    atLeast: 0.55,
  })
  const figures: Figure[] = [
    { name: 'bare, one cipher for 16 KiB', measured: perSecond(median(times.bare)) },
    { name: 'encryptStream', measured: perSecond(median(times.encrypt)), ratio: shareOf('encrypt') },
    { name: 'decryptStream', measured: perSecond(median(times.decrypt)), ratio: shareOf('decrypt') },
    { name: 'memory over 1 GiB, both together', ratio: { value: grown, of: 'MiB more', atMost: 64 } },
  ]
  return { circumstances: ['memory storage', 'inputs of 64 KiB', `${roundBytes / mebibyte} MiB a round`], figures }
}
