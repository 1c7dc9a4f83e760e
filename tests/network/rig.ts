// Callers on several KMS behind a network that cuts, swallows, delays and goes dark, and a judge of what they saw.
//
//   node tests/network/rig.ts [--rounds 60] [--callers 16] [--deadline 2000] [--seed 1]
import { setImmediate as turn, setTimeout as after } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { createKms, generateRootKey, localRootKey, type Kms } from '@chatelaine/core'
import { numbers, type Seen } from '../processes/plan.ts'
import { oracleOn } from '../processes/oracle.ts'
import { storageAt, withPlace, withServer, type Place } from '../processes/place.ts'
import { Replay } from '../processes/replay.ts'
import { prepare } from '../processes/rig.ts'
import { allRecords } from '../support/outcomes.ts'
import { Load } from './load.ts'
import { NetworkProxy } from './proxy.ts'
import { troubles, Weather, type Climate } from './weather.ts'

/** How the rig is set up. */
export interface NetworkPlan {
  readonly url: string
  /** Bad times, each followed by a good one. */
  readonly rounds: number
  /** On each of two KMS. */
  readonly callers: number
  readonly deadlineMs: number
  readonly seed: number
}

/** What a run showed. */
export interface NetworkReport {
  readonly seed: number
  readonly seconds: number
  readonly operations: number
  /** Those that came to a result, or to a refusal that is on record. */
  readonly settled: number
  readonly records: number
  readonly slowestMs: number
  readonly slowestRecoveryMs: number
  /** How often what happened to which message. */
  readonly mishaps: ReadonlyMap<string, number>
  /** How often operations came to what. */
  readonly codes: Readonly<Record<string, number>>
  /** What does not hold. None, if all is well. */
  readonly problems: readonly string[]
}

/** Beyond the deadline, an operation may take this long to settle. */
const graceMs = 1000
/** From the end of all trouble to a success. */
const recoveryMs = 2000
const hungMs = 15_000

/** Runs the rig in a schema of its own, which is removed in the end. */
export async function runNetworkRig(plan: NetworkPlan): Promise<NetworkReport> {
  const problems: string[] = []
  const note = (error: unknown): void => void problems.push(`a rejection that nobody handled: ${String(error)}`)
  process.on('unhandledRejection', note)
  try {
    const report = await withPlace({ kind: 'postgres', url: plan.url }, async (place) => new Run(plan, place).run())
    // Node tells of what nobody handles once everything that is ready has had its turn.
    await turn()
    return { ...report, problems: [...report.problems, ...problems] }
  } finally {
    process.off('unhandledRejection', note)
  }
}

class Run {
  readonly #plan: NetworkPlan
  readonly #place: Place
  readonly #rootKey = localRootKey(generateRootKey())
  readonly #random: () => number
  readonly #problems: string[] = []
  #slowestRecoveryMs = 0

  constructor(plan: NetworkPlan, place: Place) {
    this.#plan = plan
    this.#place = place
    this.#random = numbers(plan.seed)
  }

  async run(): Promise<NetworkReport> {
    const began = performance.now()
    const setUp = await prepare(await this.#open(this.#place, 30_000))
    const weather = new Weather(this.#random)
    const proxy = await NetworkProxy.start(this.#plan.url, weather)
    const far = { ...this.#place, url: proxy.url }
    const all = await Promise.all([0, 1].map(async () => this.#open(far, this.#plan.deadlineMs)))
    const loads = all.map((kms, at) => new Load(kms, { name: `k${at}`, grants: setUp.grants, random: this.#random }))
    for (const load of loads) load.start(this.#plan.callers)
    for (let round = 0; round < this.#plan.rounds; round++) await this.#round(round, { proxy, weather, loads })
    await this.#within('settle', this.#plan.deadlineMs + graceMs, Promise.all(loads.map((load) => load.stop())))
    await this.#within('close', this.#plan.deadlineMs + 2 * graceMs, Promise.all(all.map((kms) => kms.close())))
    for (let left = 100; proxy.connections > 0 && left > 0; left--) await after(10)
    if (proxy.connections > 0) this.#problems.push(`${proxy.connections} connections are left over`)
    await proxy.close()
    const seen = loads.flatMap((load) => load.seen)
    return {
      ...(await this.#judge(seen, setUp.seen)),
      seconds: (performance.now() - began) / 1000,
      mishaps: weather.counts,
    }
  }

  async #open(place: Place, deadlineMs: number): Promise<Kms> {
    return createKms({ storage: storageAt(place), rootKey: this.#rootKey, deadlineMs })
  }

  /** A bad time, and a good one. */
  async #round(round: number, { proxy, weather, loads }: Stage): Promise<void> {
    const climate = troubles[Math.floor(this.#random() * troubles.length)] as Climate
    weather.climate = climate
    await after(300 + this.#random() * 2200)
    proxy.clear()
    const recovered = Promise.all(loads.map((load) => load.nextSuccess()))
    const [slowest] = await Promise.race([
      recovered.then((times) => [Math.max(...times)] as const),
      after(hungMs, [Infinity] as const, { ref: false }),
    ])
    this.#slowestRecoveryMs = Math.max(this.#slowestRecoveryMs, slowest)
    if (slowest > recoveryMs) this.#problems.push(`round ${round} (${climate}): ${slowest.toFixed(0)} ms to recover`)
    await after(this.#random() * 200)
  }

  async #within(what: string, ms: number, work: Promise<unknown>): Promise<void> {
    const late = after(ms, 'late', { ref: false })
    if ((await Promise.race([work, late])) !== 'late') return
    this.#problems.push(`it did not ${what} in time`)
    await Promise.race([work, after(hungMs, undefined, { ref: false })])
  }

  async #judge(seen: readonly Seen[], before: readonly Seen[]): Promise<Omit<NetworkReport, 'seconds' | 'mishaps'>> {
    const kms = await this.#open(this.#place, 30_000)
    const chain = await allRecords(kms)
    const { ok } = await kms.audit.verify()
    await kms.close()
    const oracle = await oracleOn(this.#place)
    const { problems } = new Replay([...before, ...seen]).run(chain)
    const times = seen.map(({ invoked, returned, requestId, ask, code }) => {
      return { ms: Number(returned - invoked) / 1e6, name: `${requestId} (${ask.type}, ${code ?? 'ok'})` }
    })
    const late = times.filter(({ ms }) => ms > this.#plan.deadlineMs + graceMs)
    const lateness = late.map(({ ms, name }) => `${name} took ${ms.toFixed(0)} ms`)
    const codes: Record<string, number> = {}
    for (const { code = 'ok', outcome } of seen) {
      const name = outcome === undefined ? code : `${code} (${outcome})`
      codes[name] = (codes[name] ?? 0) + 1
    }
    return {
      seed: this.#plan.seed,
      operations: seen.length,
      settled: seen.filter(({ code }) => code !== 'AUDIT_UNAVAILABLE').length,
      records: chain.length,
      slowestMs: times.reduce((most, { ms }) => Math.max(most, ms), 0),
      slowestRecoveryMs: this.#slowestRecoveryMs,
      codes,
      problems: [...this.#problems, ...problems, ...oracle, ...lateness, ...(ok ? [] : ['the log does not verify'])],
    }
  }
}

interface Stage {
  readonly proxy: NetworkProxy
  readonly weather: Weather
  readonly loads: readonly Load[]
}

/** The report, for people. */
function print(report: NetworkReport): void {
  const { seed, seconds, operations, settled, records, slowestMs, slowestRecoveryMs, mishaps, codes, problems } = report
  const happened = [...mishaps.values()].reduce((sum, count) => sum + count, 0)
  console.log(
    `seed ${seed}: ${operations} operations in ${seconds.toFixed(0)} s, ${settled} settled by one of ${records} records`,
  )
  console.log(`slowest ${slowestMs.toFixed(0)} ms, slowest recovery ${slowestRecoveryMs.toFixed(0)} ms`)
  console.log(`${happened} mishaps of ${mishaps.size} kinds`)
  for (const name of [...mishaps.keys()].toSorted()) console.log(`  ${String(mishaps.get(name)).padStart(5)}  ${name}`)
  for (const name of Object.keys(codes).toSorted()) console.log(`  ${String(codes[name]).padStart(7)}  ${name}`)
  console.log(`${problems.length} problems`)
  for (const problem of problems.slice(0, 30)) console.log(`  ${problem}`)
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '60' },
      callers: { type: 'string', default: '16' },
      deadline: { type: 'string', default: '2000' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    },
  })
  const report = await withServer(async (url) =>
    runNetworkRig({
      url,
      rounds: Number(values.rounds),
      callers: Number(values.callers),
      deadlineMs: Number(values.deadline),
      seed: Number(values.seed),
    }),
  )
  print(report)
  process.exitCode = report.problems.length === 0 ? 0 : 1
}
