import {
  constants,
  createHmac,
  createSecretKey,
  generateKeyPairSync,
  randomBytes,
  sign,
  type KeyObject,
} from 'node:crypto'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { createKms, generateRootKey, localRootKey, type CreateKeyRequest, type Kms } from '@chatelaine/core'
import { memoryStorage } from '@chatelaine/storage-memory'
import { byCallers, median, seconds } from './measure.ts'
import { micros, type Figure, type Report, type Run } from './section.ts'

const callers = 64
const message = randomBytes(256)
const names = { sign: 'sign', mac: 'generateMac' } as const

/** A kind of key that is measured against bare node:crypto. */
interface Kind {
  readonly request: CreateKeyRequest
  readonly verb: keyof typeof names
  /** One operation in bare node:crypto: in its thread pool, or at once. */
  readonly bare: () => unknown
  /** How many operations are measured for one of those that the run asks for. */
  readonly share: number
  /** What it may cost: so many times the bare operation, and so many audited operations that do next to nothing. */
  readonly most: (bare: number, audited: number) => number
  readonly limit: string
}

/** In the pool: at most 1.15 times the bare operation, on top of the record. */
const pooled = { most: (bare: number, audited: number) => 1.15 * bare + audited, limit: '1.15 × bare + audited' }
/** At once: at most the bare operation and 1.3 records. */
const inline = { most: (bare: number, audited: number) => bare + 1.3 * audited, limit: 'bare + 1.3 × audited' }

function inPool(hash: string | null, key: object): () => Promise<unknown> {
  return async () =>
    new Promise((resolve, reject) => {
      sign(hash, message, key as KeyObject, (error, signature) => (error === null ? resolve(signature) : reject(error)))
    })
}

function rsaKey(modulusLength: number): object {
  const { privateKey: key } = generateKeyPairSync('rsa', { modulusLength })
  return { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }
}

function kinds(): readonly Kind[] {
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  const ed = generateKeyPairSync('ed25519').privateKey
  const ml = (generateKeyPairSync as unknown as (type: string) => { privateKey: KeyObject })('ml-dsa-65').privateKey
  const mac = createSecretKey(randomBytes(32))
  const signing = { verb: 'sign', usage: 'SIGN_VERIFY' } as const
  const request = (spec: string): CreateKeyRequest => ({ spec, usage: signing.usage }) as CreateKeyRequest
  return [
    { request: request('RSA_2048'), verb: 'sign', bare: inPool('sha256', rsaKey(2048)), share: 0.05, ...pooled },
    { request: request('RSA_4096'), verb: 'sign', bare: inPool('sha256', rsaKey(4096)), share: 0.01, ...pooled },
    { request: request('ML_DSA_65'), verb: 'sign', bare: inPool(null, ml), share: 0.05, ...pooled },
    { request: request('ECC_NIST_P256'), verb: 'sign', bare: () => sign('sha256', message, ec), share: 0.5, ...inline },
    {
      request: request('ECC_NIST_EDWARDS25519'),
      verb: 'sign',
      bare: () => sign(null, message, ed),
      share: 0.5,
      ...inline,
    },
    {
      request: { spec: 'HMAC_256' },
      verb: 'mac',
      bare: () => createHmac('sha256', mac).update(message).digest(),
      share: 1,
      ...inline,
    },
  ]
}

async function open(): Promise<Kms> {
  return createKms({ storage: memoryStorage(), rootKey: localRootKey(generateRootKey()) })
}

/** Seconds for one operation by many callers, in a KMS of its own: a log that grows would slow the next one down. */
async function timed(operations: number, request: CreateKeyRequest, verb: Kind['verb'] | 'random'): Promise<number> {
  const kms = await open()
  const { id } = await kms.keys.create(request)
  const key = id as string
  const once = {
    sign: async () => kms.sign({ key, message }),
    mac: async () => kms.generateMac({ key, message }),
    random: async () => kms.generateRandom({ numberOfBytes: 1 }),
  }[verb]
  await once()
  const took = await seconds(async () => byCallers(callers, operations, once))
  await kms.close()
  return took / operations
}

/** How long the event loop makes others wait while 64 callers sign, in milliseconds at the 99th percentile. */
async function delay(operations: number): Promise<number> {
  const kms = await open()
  const { id } = await kms.keys.create({ spec: 'RSA_2048', usage: 'SIGN_VERIFY' })
  const sign = async (): Promise<unknown> => kms.sign({ key: id as string, message })
  await sign()
  const histogram = monitorEventLoopDelay({ resolution: 1 })
  histogram.enable()
  await byCallers(callers, operations, sign)
  histogram.disable()
  await kms.close()
  return histogram.percentile(99) / 1e6
}

/** Key pairs and MACs: what an audited operation costs on top of bare node:crypto. */
export async function keys({ operations, rounds }: Run): Promise<Report> {
  const figures: Figure[] = []
  for (const kind of kinds()) {
    const count = Math.max(callers, Math.round(operations * kind.share))
    const times = { bare: [] as number[], ours: [] as number[], audited: [] as number[] }
    for (let round = 0; round < rounds; round++) {
      const bare = async (): Promise<void> => byCallers(callers, count, async () => kind.bare())
      times.bare.push((await seconds(bare)) / count)
      times.ours.push(await timed(count, kind.request, kind.verb))
      times.audited.push(await timed(Math.max(count, 2000), kind.request, 'random'))
    }
    const [bare, ours, audited] = [median(times.bare), median(times.ours), median(times.audited)]
    const value = ours / kind.most(bare, audited)
    const name = `${kind.request.spec} ${names[kind.verb]}`
    figures.push({ name: `${name}, bare`, measured: micros(bare) })
    figures.push({ name: '   audited generateRandom(1)', measured: micros(audited) })
    figures.push({ name: `   ${name}`, measured: micros(ours), ratio: { value, of: `× (${kind.limit})`, atMost: 1 } })
  }
  const p99 = await delay(Math.round(operations * 0.1))
  figures.push({ name: 'event loop, 99th percentile, RSA_2048', ratio: { value: p99, of: 'ms', atMost: 20 } })
  return { circumstances: [`${callers} callers`, 'memory storage', `messages of ${message.length} bytes`], figures }
}
