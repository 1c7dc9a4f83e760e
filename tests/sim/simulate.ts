import { createKms, localRootKey, type Kms, type RootKey } from '@chatelaine/core'
import type { StorageAdapter } from '@chatelaine/core/storage'
import { seededRandomness } from '@chatelaine/core/testing'
import { sharedMemory } from '../support/shared-memory.ts'
import { judge } from './judge.ts'
import { Office, type Operation } from './office.ts'
import { SimulatedProcess } from './process.ts'
import { Weather } from './weather.ts'
import { Stuck, World } from './world.ts'

/** What to simulate. */
export interface SimulationPlan {
  readonly seed: number
  /** How many operations. @defaultValue 120 */
  readonly operations?: number | undefined
  /** What stands between all processes and the storage, to see that the judge would notice. */
  readonly spoil?: ((storage: StorageAdapter, world: World) => StorageAdapter) | undefined
}

/** What a simulation showed. */
export interface SimulationReport {
  readonly seed: number
  /** Equal for equal runs. */
  readonly digest: string
  /** What does not hold. */
  readonly problems: readonly string[]
  readonly operations: number
  readonly steps: number
  readonly crashes: number
  readonly closings: number
  /** Simulated time. */
  readonly milliseconds: number
  /** How often what went wrong in the storage. */
  readonly faults: Readonly<Record<string, number>>
  /** How often what came out how, by the chain. */
  readonly counts: Readonly<Record<string, number>>
  /** How often callers were told what. */
  readonly told: Readonly<Record<string, number>>
  /** The longest that an operation took, in deadlines: of uses, and of changes. */
  readonly longest: { readonly use: number; readonly change: number }
}

const rootKey: RootKey = localRootKey(Buffer.from('simulation-simulation-simulation', 'latin1'))
const uses = new Set(['encrypt', 'decrypt', 'reEncrypt'])
/** How late a timer may be, in simulated milliseconds: time passes in steps of up to 3. */
const slackMs = 10
/** How long, beyond the deadline, a commit that is under way is waited for before its outcome is called unknown. */
const graceMs = 500
/** For how long a commit may be on its way, and some more. */
const longestDelayMs = 5000

/** Runs a simulation. The same plan gives the same report. */
export async function simulate(plan: SimulationPlan): Promise<SimulationReport> {
  const simulation = new Simulation(plan)
  const problems: string[] = []
  try {
    problems.push(...(await simulation.run()))
  } catch (error) {
    if (!(error instanceof Stuck)) throw error
    problems.push(`it came to nothing: ${error.message}`)
  }
  return simulation.report(problems)
}

class Simulation {
  readonly #plan: SimulationPlan
  readonly #world: World
  readonly #weather: Weather
  readonly #office: Office
  readonly #storage: StorageAdapter
  readonly #connect: () => StorageAdapter
  readonly #deadlineMs: number
  readonly #processes: readonly SimulatedProcess[]
  #counts: Readonly<Record<string, number>> = {}

  constructor(plan: SimulationPlan) {
    const world = new World(plan.seed)
    const connect = sharedMemory()
    this.#plan = plan
    this.#world = world
    this.#weather = new Weather(world)
    this.#office = new Office(world)
    this.#storage = connect()
    this.#connect = () => plan.spoil?.(connect(), world) ?? connect()
    this.#deadlineMs = world.pick([300, 1000, 5000])
    const shared = { world, weather: this.#weather, office: this.#office, rootKey, connect: this.#connect }
    const each = { deadlineMs: this.#deadlineMs, callers: 2 + world.upTo(3), operations: this.#operations }
    const names = ['a', 'b', 'c'].slice(0, 2 + world.upTo(2))
    this.#processes = names.map((name) => new SimulatedProcess({ ...shared, ...each, name }))
  }

  get #operations(): number {
    return this.#plan.operations ?? 120
  }

  /** Runs all of it, and says what is wrong. */
  async run(): Promise<string[]> {
    const world = this.#world
    for (const process of this.#processes) process.start()
    const moments = [0.3, 0.7, 1].map((part) => Math.ceil(part * this.#operations))
    const problems: string[] = []
    for (const moment of moments) {
      await world.until(() => this.#office.operations.length >= moment)
      problems.push(...(await this.#judged()).map((problem) => `after ${moment} operations: ${problem}`))
    }
    this.#weather.clear()
    // By then everybody has given up on what was lost, and whoever has no answer was killed.
    await world.settled(world.wait(world.outside, 6 * this.#deadlineMs + longestDelayMs))
    await world.until(() => this.#processes.every(({ kms }) => kms !== undefined))
    problems.push(...(await this.#works()))
    problems.push(...(await this.#judged()), ...(await this.#verified()), ...this.#late(), ...this.#office.problems)
    return problems
  }

  report(problems: readonly string[]): SimulationReport {
    const world = this.#world
    const { operations } = this.#office
    const told: Record<string, number> = {}
    for (const { seen } of operations) {
      const what = seen === undefined ? 'nothing' : [seen.code ?? 'ok', seen.outcome].filter(Boolean).join(' ')
      told[what] = (told[what] ?? 0) + 1
    }
    const longest = (of: (operation: Operation) => boolean): number =>
      Math.max(0, ...operations.filter(of).map(({ tookMs }) => tookMs)) / this.#deadlineMs
    const isUse = ({ asked }: Operation): boolean => uses.has(asked.ask.type)
    return {
      seed: this.#plan.seed,
      problems,
      told,
      operations: operations.length,
      steps: world.steps,
      crashes: this.#processes.reduce((sum, { crashes }) => sum + crashes, 0),
      closings: this.#processes.reduce((sum, { closings }) => sum + closings, 0),
      milliseconds: world.time,
      faults: this.#weather.counts,
      counts: this.#counts,
      longest: { use: longest(isUse), change: longest((operation) => !isUse(operation)) },
      digest: world.digest(),
    }
  }

  async #judged(): Promise<readonly string[]> {
    const { problems, counts } = await judge(this.#storage, this.#office.history)
    this.#counts = counts
    return problems
  }

  /** Every process works again as soon as nothing goes wrong any more. */
  async #works(): Promise<string[]> {
    const asked = this.#processes.map(async ({ kms }, index) =>
      this.#office.ask(kms as Kms, { type: 'create', by: 'owner', key: `late-${index}` }),
    )
    const codes = await this.#world.settled(Promise.all(asked))
    return codes.filter((code) => code !== undefined).map((code) => `a process does not work again: ${code}`)
  }

  /** Somebody who comes new finds a log that verifies. */
  async #verified(): Promise<string[]> {
    const world = this.#world
    const [clock, timers] = [world.clock(0), world.timers(world.outside)]
    const random = seededRandomness('auditor')
    const opening = createKms({ storage: this.#connect(), rootKey, clock, timers, random, deadlineMs: 60_000 })
    try {
      const kms = await world.settled(opening)
      const verification = await world.settled(kms.audit.verify())
      world.note(verification.ok ? verification.head.toString() : 'broken')
      return verification.ok ? [] : [`the log does not verify: ${JSON.stringify(verification.problem)}`]
    } catch (error) {
      if (error instanceof Stuck) throw error
      return [`the log cannot be verified: ${String(error)}`]
    }
  }

  #late(): string[] {
    return this.#office.operations.flatMap(({ asked, seen, tookMs }) => {
      const grace = uses.has(asked.ask.type) ? Math.min(graceMs, this.#deadlineMs) : 0
      const most = this.#deadlineMs + grace + slackMs
      if (seen === undefined || tookMs <= most) return []
      return [`${asked.requestId} (${asked.ask.type}) took ${tookMs} ms, with a deadline of ${this.#deadlineMs} ms`]
    })
  }
}
