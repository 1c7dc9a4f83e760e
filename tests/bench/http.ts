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

/** What a server said of itself. */
interface Served {
  readonly url: string
  readonly tokens: Readonly<Record<Way, string>>
}

/** How the server knows who asks. */
const ways = { plain: 'token in a map', jwt: 'JWT of ES256' } as const
type Way = keyof typeof ways
const routes = { still: '/static', hand: '/by-hand', encrypt: '/v1/crypto/encrypt' } as const
type Measured = Record<keyof typeof routes, Burst[]>

/** The encrypt route, audited, against a static route of the same server behind the same authentication. */
export const http: Section = async ({ rounds }) => {
  const child = spawn(process.execPath, [path.join(import.meta.dirname, 'http-server.ts')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    const line = await new Promise<string>((resolve) => createInterface(child.stdout).once('line', resolve))
    const served = JSON.parse(line) as Served
    const figures: Figure[] = []
    for (const way of Object.keys(ways) as Way[])
      figures.push(...figuresOf(ways[way], await measure(served, way, rounds)))
    return { circumstances: circumstances(), figures }
  } finally {
    child.kill('SIGTERM')
  }
}

/** Bursts at each route in turn, so that what else the machine does is spread over all of them. */
async function measure({ url, tokens }: Served, way: Way, rounds: number): Promise<Measured> {
  const measured: Measured = { still: [], hand: [], encrypt: [] }
  for (let round = 0; round <= Math.min(rounds, 5); round++) {
    for (const name of Object.keys(routes) as (keyof typeof routes)[]) {
      const burst = await burstOf(url, `/${way}${routes[name]}`, tokens[way])
      // The first round is for warming up.
      if (round > 0) measured[name].push(burst)
    }
  }
  return measured
}

function circumstances(): string[] {
  return [`${connections} connections on loopback`, `${bytes} bytes`, 'memory storage', 'server in its own process']
}

const plaintext = randomBytes(bytes).toString('base64')
const body = JSON.stringify({ key: 'orders', plaintext, context: { table: 'orders', row: '1' } })

async function burstOf(url: string, route: string, token: string): Promise<Burst> {
  const cpu = async (): Promise<number> => ((await (await fetch(`${url}/cpu`)).json()) as { micros: number }).micros
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
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

function figuresOf(way: string, { still, hand, encrypt }: Measured): Figure[] {
  const middle = (bursts: readonly Burst[], of: keyof Burst): number => median(bursts.map((burst) => burst[of]))
  const rate = (bursts: readonly Burst[]): number => middle(bursts, 'rate')
  const value = rate(encrypt) / rate(still)
  return [
    { name: `${way}: static route`, measured: perSecond(rate(still)) },
    {
      name: `${way}: encrypt by hand`,
      measured: perSecond(rate(hand)),
      ratio: { value: rate(hand) / rate(still), of: '% of static' },
    },
    {
      name: `${way}: encrypt route`,
      measured: perSecond(rate(encrypt)),
      ratio: { value, of: '% of static', atLeast: 0.55 },
    },
    ...Object.entries({ still, hand, encrypt }).map(([name, bursts]) => ({
      name: `${way}: ${names[name as keyof Measured]}, p99`,
      measured: `${middle(bursts, 'p99')} ms`,
    })),
    ...Object.entries({ still, hand, encrypt }).map(([name, bursts]) => ({
      name: `${way}: ${names[name as keyof Measured]}, CPU`,
      measured: micros(middle(bursts, 'cpu')),
    })),
  ]
}

const names: Readonly<Record<keyof Measured, string>> = {
  still: 'static route',
  hand: 'encrypt by hand',
  encrypt: 'encrypt route',
}
