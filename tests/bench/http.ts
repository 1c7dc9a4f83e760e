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
/** Rounds that are not counted: everything is compiled, and the heap has found its size. */
const warmUps = 2
const bytes = 1024

/** What one burst of requests came to. Times of processors are for each answer, in seconds. */
interface Burst {
  /** Answers in a second. */
  readonly rate: number
  /** In milliseconds. */
  readonly p99: number
  /** Of the server. */
  readonly cpu: number
  /** Of the server's main thread. */
  readonly main: number
  /** Of the load generator. */
  readonly load: number
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
const ways = { plain: 'map', jwt: 'ES256' } as const
/**
 * The limit is for a server that verifies tokens. Behind a look into a map an encryption and its record alone take longer
 * than a whole static answer, without any server around them: there the figures are for comparing.
 */
const limits: Partial<Record<Way, number>> = { jwt: 0.55 }
type Way = keyof typeof ways
const routes = { still: '/static', hand: '/by-hand', encrypt: '/v1/crypto/encrypt' } as const
type Name = keyof typeof routes
const names: Readonly<Record<Name, string>> = {
  still: 'static route',
  hand: 'encrypt by hand',
  encrypt: 'encrypt route',
}
type Round = Readonly<Record<Name, Burst>>

/**
 * The encrypt route, audited, against a static route of the same server behind the same authentication. Where there are
 * only two cores the routes are not limited by the same: this one by the server's main thread, the static one also by the
 * cores, which that thread, those that verify tokens and the load generator share. Hence the ratio moves with all that
 * the machine does besides; `cores to spare` is what it would be if the main thread alone limited both.
 */
export const http: Section = async ({ rounds }) => {
  const figures: Figure[] = []
  for (const way of Object.keys(ways) as Way[]) figures.push(...figuresOf(way, await measure(way, rounds)))
  const circumstances = [
    `${connections} connections on loopback`,
    `${bytes} bytes`,
    'memory storage',
    'server in its own process',
    'who asks is known by a token in a map, or by a JWT of ES256',
    `medians of ${rounds} rounds of ${secondsEach} s a route, routes in turn, garbage collected in between, after ${warmUps} that do not count`,
    'ratios are medians of those within a round',
  ]
  return { circumstances, figures }
}

/** Measures on a server of its own: the log that one way leaves behind is no burden to the other. */
async function measure(way: Way, rounds: number): Promise<Round[]> {
  const child = spawn(process.execPath, ['--expose-gc', path.join(import.meta.dirname, 'http-server.ts')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    const line = await new Promise<string>((resolve) => createInterface(child.stdout).once('line', resolve))
    const served = JSON.parse(line) as Served
    const measured: Round[] = []
    for (let round = 0; round < warmUps + rounds; round++) measured.push(await roundOf(served, way, round))
    return measured.slice(warmUps)
  } finally {
    child.kill('SIGTERM')
  }
}

/** A burst at each route in turn, back and forth, so that what else the machine does is spread over all of them. */
async function roundOf({ url, tokens }: Served, way: Way, round: number): Promise<Round> {
  const order = Object.keys(routes) as Name[]
  const bursts: Partial<Record<Name, Burst>> = {}
  for (const name of round % 2 === 0 ? order : order.toReversed())
    bursts[name] = await burstOf(url, `/${way}${routes[name]}`, tokens[way])
  return bursts as Round
}

const plaintext = randomBytes(bytes).toString('base64')
const body = JSON.stringify({ key: 'orders', plaintext, context: { table: 'orders', row: '1' } })

async function burstOf(url: string, route: string, token: string): Promise<Burst> {
  const used = async (at: string): Promise<{ all: number; main: number }> =>
    (await (await fetch(`${url}/${at}`)).json()) as { all: number; main: number }
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  // The garbage of one route is not left to the next.
  const before = await used('settled')
  const own = process.cpuUsage()
  const result = await (autocannon as (options: object) => Promise<CannonResult>)({
    url: `${url}${route}`,
    method: 'POST',
    headers,
    body,
    connections,
    duration: secondsEach,
  })
  const { user, system } = process.cpuUsage(own)
  const after = await used('cpu')
  if (result.non2xx > 0 || result.errors > 0)
    throw new Error(`${route} answered ${result.non2xx} times with something else`)
  const each = (used: number): number => used / 1e6 / result['2xx']
  return {
    rate: result['2xx'] / result.duration,
    p99: result.latency.p99,
    cpu: each(after.all - before.all),
    main: each(after.main - before.main),
    load: each(user + system),
  }
}

const percent = (value: number): string => `${(100 * value).toFixed(0).padStart(9)} %`

function figuresOf(by: Way, measured: readonly Round[]): Figure[] {
  const way = ways[by]
  const atLeast = limits[by]
  const middle = (of: (round: Round) => number): number => median(measured.map(of))
  const ratios = measured.map(({ still, encrypt }) => encrypt.rate / still.rate)
  const ofStill = (name: Name): number => middle((round) => round[name].rate / round.still.rate)
  const rated = (name: Name): Figure => ({
    name: `${way}: ${names[name]}`,
    measured: perSecond(middle((round) => round[name].rate)),
  })
  return [
    rated('still'),
    { ...rated('hand'), ratio: { value: ofStill('hand'), of: '% of static' } },
    {
      ...rated('encrypt'),
      ratio: { value: ofStill('encrypt'), of: '% of static', ...(atLeast === undefined ? {} : { atLeast }) },
    },
    {
      name: `${way}: encrypt route, by round`,
      measured: `${percent(Math.min(...ratios))} to ${percent(Math.max(...ratios)).trim()}`,
    },
    // Where there are cores for all, the main thread is what limits: then the routes compare as this does.
    {
      name: `${way}: encrypt route, cores to spare`,
      ratio: { value: middle(({ still, encrypt }) => still.main / encrypt.main), of: '% of static' },
    },
    ...(Object.keys(names) as Name[]).flatMap((name) => costsOf(`${way}: ${names[name]}`, measured, name)),
  ]
}

/**
 * What a route costs whom, and how busy it kept the server's main thread. Below nine tenths of a core something else had
 * the rest, such as the load generator, or the threads that verify tokens: then the rate says less of the route than of them.
 */
function costsOf(title: string, measured: readonly Round[], name: Name): Figure[] {
  const middle = (of: (burst: Burst) => number): number => median(measured.map((round) => of(round[name])))
  return [
    { name: `${title}, p99`, measured: `${String(middle(({ p99 }) => p99)).padStart(9)} ms` },
    { name: `${title}, CPU`, measured: micros(middle(({ cpu }) => cpu)) },
    { name: `${title}, main thread`, measured: micros(middle(({ main }) => main)) },
    { name: `${title}, busy`, measured: percent(middle(({ main, rate }) => main * rate)) },
    { name: `${title}, generator`, measured: micros(middle(({ load }) => load)) },
  ]
}
