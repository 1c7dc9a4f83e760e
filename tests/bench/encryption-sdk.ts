import { randomBytes } from 'node:crypto'
import path from 'node:path'
import { Readable, type Duplex } from 'node:stream'
import {
  AlgorithmSuiteIdentifier,
  buildClient,
  CommitmentPolicy,
  RawAesKeyringNode,
  RawAesWrappingSuiteIdentifier,
} from '@aws-crypto/client-node'
import { createKms, generateRootKey, localRootKey, type Kms } from '@chatelaine/core'
import { memoryStorage } from '@chatelaine/storage-memory'
import { sqliteStorage } from '@chatelaine/storage-sqlite'
import { byCallers, median, seconds } from './measure.ts'
import { cut, mebibyte, mebibytesPerSecond, piped, portionBytes, repeated, secondsThrough } from './portions.ts'
import { micros, type Figure, type Report, type Run } from './section.ts'

const callers = 64
const context = { table: 'customers', row: '42' }
const value = randomBytes(1024)
const portion = randomBytes(portionBytes)
const streamBytes = 64 * mebibyte
/** The SDK takes milliseconds where others take microseconds: fewer operations of it say as much. */
const fewer = 40
const frameLength = 16_384

/** Somebody who encrypts and decrypts the same things. */
interface Contender {
  readonly name: string
  encrypt(): Promise<Buffer>
  decrypt(ciphertext: Buffer): Promise<unknown>
  /** Seconds for `streamBytes`. */
  encryptStream(): Promise<number>
  decryptStream(): Promise<number>
  close(): Promise<void>
}

const portions = (): Iterable<Uint8Array> => repeated(portion, streamBytes / portionBytes)

async function chatelaine(name: string, kms: Kms): Promise<Contender> {
  await kms.keys.create({ name: 'k', spec: 'AES_256' })
  const parts: Uint8Array[] = []
  await piped(portions(), [kms.encryptStream({ key: 'k', context })], (part) => void parts.push(part))
  const message = Buffer.concat(parts)
  return {
    name,
    encrypt: async () => (await kms.encrypt({ key: 'k', plaintext: value, context })).ciphertext,
    decrypt: async (ciphertext) => kms.decrypt({ ciphertext, context }),
    encryptStream: async () => secondsThrough(portions(), kms.encryptStream({ key: 'k', context }), message.length),
    decryptStream: async () => secondsThrough(cut(message), kms.decryptStream({ context }), streamBytes),
    close: async () => kms.close(),
  }
}

/** What comes out of a stream of Node for these portions. */
async function through(input: Iterable<Uint8Array>, transform: Duplex): Promise<Buffer[]> {
  const parts: Buffer[] = []
  Readable.from(input).pipe(transform)
  for await (const part of transform) parts.push(part as Buffer)
  return parts
}

/** The AWS Encryption SDK, with a wrapping key in memory: no network, no record of anything. */
async function encryptionSdkWith(name: string, suiteId: AlgorithmSuiteIdentifier): Promise<Contender> {
  const client = buildClient(CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT)
  const keyring = new RawAesKeyringNode({
    keyName: 'k',
    keyNamespace: 'bench',
    unencryptedMasterKey: Uint8Array.from(randomBytes(32)),
    wrappingSuite: RawAesWrappingSuiteIdentifier.AES256_GCM_IV12_TAG16_NO_PADDING,
  })
  // A new object each time: the SDK writes into it.
  const how = (): { suiteId: AlgorithmSuiteIdentifier; encryptionContext: typeof context } => ({
    suiteId,
    encryptionContext: context,
  })
  const sealing = (): Duplex => client.encryptStream(keyring, { ...how(), frameLength })
  const message = Buffer.concat(await through(portions(), sealing()))
  return {
    name,
    encrypt: async () => (await client.encrypt(keyring, value, how())).result,
    decrypt: async (ciphertext) => client.decrypt(keyring, ciphertext),
    encryptStream: async () => seconds(async () => void (await through(portions(), sealing()))),
    decryptStream: async () => seconds(async () => void (await through(cut(message), client.decryptStream(keyring)))),
    close: async () => undefined,
  }
}

const verbs = ['encrypt', 'decrypt', 'encryptStream', 'decryptStream'] as const
type Times = Record<(typeof verbs)[number], number>

/** Seconds of one operation, and of `streamBytes`. */
async function once(contender: Contender, operations: number): Promise<Times> {
  const ciphertext = await contender.encrypt()
  const each = async (operation: () => Promise<unknown>): Promise<number> =>
    (await seconds(async () => byCallers(callers, operations, operation))) / operations
  return {
    encrypt: await each(async () => contender.encrypt()),
    decrypt: await each(async () => contender.decrypt(ciphertext)),
    encryptStream: await contender.encryptStream(),
    decryptStream: await contender.decryptStream(),
  }
}

/** Medians over rounds in which everybody has a turn, after one for the compiler. */
async function measured(contenders: readonly Contender[], { rounds, operations }: Run): Promise<Times[]> {
  const all: Times[][] = contenders.map(() => [])
  for (let round = 0; round <= rounds; round++) {
    for (const [at, contender] of contenders.entries()) {
      const times = await once(contender, Math.max(callers, Math.round(operations / fewer)))
      if (round > 0) all[at]?.push(times)
    }
  }
  return all.map((rows) => {
    const of = (verb: (typeof verbs)[number]): number => median(rows.map((times) => times[verb]))
    return {
      encrypt: of('encrypt'),
      decrypt: of('decrypt'),
      encryptStream: of('encryptStream'),
      decryptStream: of('decryptStream'),
    }
  })
}

/** The AWS Encryption SDK for JavaScript beside `encrypt` and streams: the same values, contexts and portions. */
export async function encryptionSdk(run: Run): Promise<Report> {
  const rootKey = localRootKey(generateRootKey())
  const contenders = [
    await chatelaine('memory', await createKms({ storage: memoryStorage(), rootKey })),
    await chatelaine('SQLite', await createKms({ storage: sqliteStorage(path.join(run.folder, 'sdk.db')), rootKey })),
    await encryptionSdkWith(
      'SDK, committing',
      AlgorithmSuiteIdentifier.ALG_AES256_GCM_IV12_TAG16_HKDF_SHA512_COMMIT_KEY,
    ),
    await encryptionSdkWith(
      'SDK, its default',
      AlgorithmSuiteIdentifier.ALG_AES256_GCM_IV12_TAG16_HKDF_SHA512_COMMIT_KEY_ECDSA_P384,
    ),
  ]
  const times = await measured(contenders, run)
  for (const contender of contenders) await contender.close()
  const line = (verb: keyof Times, at: number): Figure => {
    const took = (times[at] as Times)[verb]
    const isStream = verb.endsWith('Stream')
    return {
      name: at === 0 ? `${verb}: ${contenders[at]?.name}` : `   ${contenders[at]?.name}`,
      measured: isStream ? mebibytesPerSecond(streamBytes, took) : micros(took),
      ...(at === 0 ? {} : { ratio: { value: took / (times[0] as Times)[verb], of: '× the time on memory' } }),
    }
  }
  const figures = verbs.flatMap((verb) => contenders.map((_, at) => line(verb, at)))
  const settings = [`1 KiB by ${callers} callers`, `${streamBytes / mebibyte} MiB in portions of 64 KiB`]
  return { circumstances: [...settings, 'SDK: raw AES keyring, frames of 16 KiB in streams'], figures }
}
