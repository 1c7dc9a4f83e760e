import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import path from 'node:path'
import { createInterface } from 'node:readline'
// @ts-expect-error -- it has no types of its own
import autocannon from 'autocannon'
import { median } from './measure.ts'
import { micros, perSecond } from './section.ts'
import type { Figure, Section } from './section.ts'

const connections = 64
const secondsEach = 3
const bytes = 1024

/** What one burst of requests came to. */
interface Burst {
  /** Answers in a second. */
  readonly rate: number
  /** In milliseconds. */
  readonly p99: number
  /** Time of the server's processor for each answer, in seconds. */
  readonly cpu: number
}

/** What autocannon tells, as far as it is used. */
interface CannonResult {
  readonly duration: number
  readonly errors: number
  readonly non2xx: number
  readonly '2xx': number
  readonly latency: { readonly p99: number }
}

/** The encrypt route, audited, against a static route of the same server behind the same authentication. */
export const http: Section = async ({ rounds }) => {
  const child = spawn(process.execPath, [path.join(import.meta.dirname, 'http-server.ts')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    const url = await new Promise<string>((resolve) => createInterface(child.stdout).once('line', resolve))
    const plaintext = randomBytes(bytes).toString('base64')
    const body = JSON.stringify({ key: 'orders', plaintext, context: { table: 'orders', row: '1' } })
    const burst = async (route: string): Promise<Burst> => burstOf(url, route, body)
    for (const route of [still, encrypt]) await burst(route)
    const plain: Burst[] = []
    const sealed: Burst[] = []
    for (let round = 0; round < Math.min(rounds, 5); round++) {
      plain.push(await burst(still))
      sealed.push(await burst(encrypt))
    }
    return { circumstances: circumstances(), figures: figuresOf(plain, sealed) }
  } finally {
    child.kill('SIGTERM')
  }
}

const still = '/static'
const encrypt = '/v1/crypto/encrypt'

function circumstances(): string[] {
  return [`${connections} connections on loopback`, `${bytes} bytes`, 'memory storage', 'server in its own process']
}

async function burstOf(url: string, route: string, body: string): Promise<Burst> {
  const cpu = async (): Promise<number> => ((await (await fetch(`${url}/cpu`)).json()) as { micros: number }).micros
  const headers = { authorization: 'Bearer bench', 'content-type': 'application/json' }
  const before = await cpu()
  const result = await (autocannon as (options: object) => Promise<CannonResult>)({
    url: `${url}${route}`,
    method: 'POST',
    headers,
    body,
    connections,
    duration: secondsEach,
  })
  if (result.non2xx > 0 || result.errors > 0)
    throw new Error(`${route} answered ${result.non2xx} times with something else`)
  const answers = result['2xx']
  return { rate: answers / result.duration, p99: result.latency.p99, cpu: ((await cpu()) - before) / 1e6 / answers }
}

function figuresOf(plain: readonly Burst[], sealed: readonly Burst[]): Figure[] {
  const middle = (bursts: readonly Burst[], of: keyof Burst): number => median(bursts.map((burst) => burst[of]))
  const value = middle(sealed, 'rate') / middle(plain, 'rate')
  return [
    { name: 'static route', measured: perSecond(middle(plain, 'rate')) },
    {
      name: 'encrypt route',
      measured: perSecond(middle(sealed, 'rate')),
      ratio: { value, of: '% of static', atLeast: 0.55 },
    },
    { name: 'static route, p99', measured: `${middle(plain, 'p99')} ms` },
    { name: 'encrypt route, p99', measured: `${middle(sealed, 'p99')} ms` },
    { name: "static route, server's processor", measured: micros(middle(plain, 'cpu')) },
    { name: "encrypt route, server's processor", measured: micros(middle(sealed, 'cpu')) },
  ]
}
