// Why: one error for all causes says nothing if the causes take different times. This measures decryptions that fail for
// different reasons, in random order, and compares their times by Welch's t test: |t| below 4.5 is what dudect
// (Reparaz, Balasch, Verbauwhede 2017) calls no evidence of a difference. It is not part of the test suite, since a
// machine with other work to do tells nothing about times.
//
// A wrong tag behind a right commitment does take longer, since the first chunk is opened only then. Its caller has the
// right key, context and header, as the same message unchanged would have told.
//
//   pnpm rig:oracle [runs per cause = 10000]
import { constants, generateKeyPairSync, publicEncrypt } from 'node:crypto'
import { createKms, generateRootKey, isKmsError, localRootKey, type Kms } from '@chatelaine/core'
import { memoryStorage } from '@chatelaine/storage-memory'

const runs = Number(process.argv[2] ?? 10_000)
/** Times beyond this share of all are the machine's, not the code's. */
const kept = 0.95

type Causes = Readonly<Record<string, () => Promise<unknown>>>

/** Where the parts of a small message begin: CM1's header, its salt, the commitment, the first chunk. */
const parts = { salt: 24, commitment: 48, chunk: 80 }

async function symmetric(kms: Kms): Promise<Causes> {
  const key = await kms.keys.create({ spec: 'AES_256' })
  const context = { a: 'b' }
  const { ciphertext } = await key.encrypt(Buffer.alloc(64, 7), { context })
  const flipped = (at: number): Buffer => {
    const bytes = Buffer.from(ciphertext)
    bytes[at] = (bytes[at] ?? 0) ^ 1
    return bytes
  }
  const [salt, commitment, tag] = [flipped(parts.salt), flipped(parts.commitment), flipped(ciphertext.length - 1)]
  return {
    commitment: async () => key.decrypt(commitment, { context }),
    'commitment, its last byte': async () => key.decrypt(flipped(parts.chunk - 1), { context }),
    salt: async () => key.decrypt(salt, { context }),
    context: async () => key.decrypt(ciphertext, { context: { a: 'c' } }),
    tag: async () => key.decrypt(tag, { context }),
  }
}

async function oaep(kms: Kms): Promise<Causes> {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const bytes = privateKey.export({ format: 'der', type: 'pkcs8' })
  const request = { spec: 'RSA_2048', usage: 'ENCRYPT_DECRYPT', origin: 'EXTERNAL' } as const
  const key = await kms.keys.create({ ...request, material: { format: 'pkcs8', bytes } })
  const options = { key: publicKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' }
  const bare = (first: number): Buffer => {
    const block = Buffer.alloc(256, 0x5a)
    block[0] = first
    return publicEncrypt({ key: publicKey, padding: constants.RSA_NO_PADDING }, block)
  }
  const [zero, one] = [bare(0), bare(1)]
  const label = publicEncrypt({ ...options, oaepLabel: Buffer.from('label') }, Buffer.alloc(64))
  const old = publicEncrypt({ key: publicKey, padding: constants.RSA_PKCS1_PADDING }, Buffer.alloc(64))
  return {
    'a first byte of 0': async () => key.decrypt(zero),
    'a first byte of 1, as Manger asked': async () => key.decrypt(one),
    label: async () => key.decrypt(label),
    'PKCS#1 v1.5': async () => key.decrypt(old),
  }
}

async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const started = process.hrtime.bigint()
  try {
    await work()
  } catch (error) {
    if (isKmsError(error, 'INVALID_CIPHERTEXT')) return Number(process.hrtime.bigint() - started) / 1000
    throw error
  }
  throw new Error('something opened that must not')
}

/** Times of each cause in microseconds, measured in random order. */
async function measure(causes: Causes): Promise<Map<string, number[]>> {
  const names = Object.keys(causes)
  const times = new Map(names.map((name) => [name, [] as number[]]))
  for (let round = 0; round < runs + 200; round++) {
    const order = names.map((name) => [Math.random(), name] as const).toSorted(([a], [b]) => a - b)
    for (const [, name] of order) {
      const time = await timeOf(causes[name] as () => Promise<unknown>)
      if (round >= 200) times.get(name)?.push(time)
    }
  }
  return times
}

function momentsOf(times: readonly number[]): { mean: number; variance: number; count: number } {
  const mean = times.reduce((sum, time) => sum + time, 0) / times.length
  const variance = times.reduce((sum, time) => sum + (time - mean) ** 2, 0) / (times.length - 1)
  return { mean, variance, count: times.length }
}

function welch(one: readonly number[], other: readonly number[]): number {
  const [a, b] = [momentsOf(one), momentsOf(other)]
  return (a.mean - b.mean) / Math.sqrt(a.variance / a.count + b.variance / b.count)
}

/** Compares each cause with the first, after what is beyond a common limit was cropped. */
function report(name: string, times: Map<string, number[]>): void {
  const all = [...times.values()].flat().toSorted((a, b) => a - b)
  const limit = all[Math.floor(all.length * kept)] ?? Infinity
  const cropped = [...times].map(([cause, values]) => [cause, values.filter((time) => time <= limit)] as const)
  const [first] = cropped
  console.log(`${name}: ${runs} runs per cause, ${kept * 100} % of the times kept`)
  for (const [cause, values] of cropped) {
    const { mean, count } = momentsOf(values)
    const t = first === undefined || values === first[1] ? '' : `  t = ${welch(first[1], values).toFixed(2)}`
    console.log(`  ${cause.padEnd(36)} ${mean.toFixed(2).padStart(8)} µs  n = ${count}${t}`)
  }
}

for (const [name, causesOf] of Object.entries({ 'messages of AES': symmetric, 'RSAES-OAEP': oaep })) {
  await using kms = await createKms({ storage: memoryStorage(), rootKey: localRootKey(generateRootKey()) })
  report(name, await measure(await causesOf(kms)))
}
