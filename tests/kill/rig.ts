// Writers that are killed at random moments, or whose server is, and a judge of what is left.
//
//   node tests/kill/rig.ts [--storage sqlite|postgres|server] [--rounds 100] [--writers 2] [--callers 8] [--seed 1]
//                          [--folder /tmp]
import { tmpdir } from 'node:os'
import { parseArgs } from 'node:util'
import { numbers } from '../processes/plan.ts'
import { ownServer, withPlace, withServer, type Site } from '../processes/place.ts'
import type { PostgresServer } from '../support/postgres-server.ts'
import { House } from './house.ts'
import type { KillPlan } from './plan.ts'
import { runRound } from './round.ts'

/** What a run showed. */
export interface KillReport {
  readonly seed: number
  readonly rounds: number
  /** Writers that were killed. */
  readonly killed: number
  /** Times that the server was crashed. */
  readonly crashes: number
  /** Operations that were acknowledged. */
  readonly acknowledged: number
  /** Acknowledged operations that are not in the chain. */
  readonly lost: number
  readonly forks: number
  /** The longest time that a writer took to succeed again after the server's return, in milliseconds. */
  readonly slowestRecoveryMs: number
  readonly seconds: number
  /** What does not hold. None, if all is well. */
  readonly problems: readonly string[]
}

type Tally = { -readonly [K in keyof KillReport]: KillReport[K] } & { problems: string[] }

/** Runs the rig on databases of its own, which are removed in the end. */
export async function runKillRig(plan: KillPlan): Promise<KillReport> {
  const { storage, url } = plan
  if (storage === 'sqlite') return run(plan, { site: { kind: 'sqlite', folder: plan.folder } })
  if (storage === 'postgres') {
    const onServer = async (there: string): Promise<KillReport> => run(plan, { site: { kind: 'postgres', url: there } })
    return url === undefined ? withServer(onServer) : onServer(url)
  }
  const server = await ownServer()
  try {
    return await run(plan, { site: { kind: 'postgres', url: server.url }, server })
  } finally {
    await server.remove()
  }
}

interface Ground {
  readonly site: Site
  readonly server?: PostgresServer | undefined
}

async function run(plan: KillPlan, ground: Ground): Promise<KillReport> {
  const random = numbers(plan.seed)
  const began = performance.now()
  const none = { killed: 0, crashes: 0, acknowledged: 0, lost: 0, forks: 0, slowestRecoveryMs: 0 }
  const tally: Tally = { seed: plan.seed, rounds: 0, ...none, seconds: 0, problems: [] }
  while (tally.rounds < plan.rounds) {
    await withPlace(ground.site, async (place, folder) => {
      const house = new House(place)
      let acknowledged = 0
      for (let left = plan.roundsPerHouse; left > 0 && tally.rounds < plan.rounds; left--) {
        const { writers, callers } = plan
        const { server } = ground
        const number = tally.rounds++
        const round = await runRound({ house, number, writers, callers, folder, random, server })
        const judged = await house.judge()
        await house.prepare()
        tally.killed += round.killed
        tally.crashes += server === undefined ? 0 : 1
        tally.slowestRecoveryMs = Math.max(tally.slowestRecoveryMs, ...round.recoveriesMs)
        tally.lost += judged.lost.length
        tally.forks += judged.forks.length
        acknowledged = judged.acknowledged
        tally.problems.push(...[...round.problems, ...judged.problems].map((text) => `round ${number}: ${text}`))
      }
      tally.acknowledged += acknowledged
    })
  }
  return { ...tally, seconds: (performance.now() - began) / 1000 }
}

/** The report, for people. */
function print(plan: KillPlan, report: KillReport): void {
  const { seed, rounds, killed, crashes, acknowledged, lost, forks, slowestRecoveryMs, seconds, problems } = report
  console.log(`${plan.storage}, seed ${seed}: ${rounds} rounds in ${seconds.toFixed(0)} s`)
  console.log(`${killed} writers killed, ${crashes} crashes of the server`)
  if (crashes > 0) console.log(`slowest recovery ${slowestRecoveryMs.toFixed(0)} ms after the server's return`)
  console.log(`${acknowledged} operations acknowledged, ${lost} lost, ${forks} forks, ${problems.length} problems`)
  for (const problem of problems.slice(0, 20)) console.log(`  ${problem}`)
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      storage: { type: 'string', default: 'sqlite' },
      rounds: { type: 'string', default: '100' },
      writers: { type: 'string', default: '2' },
      callers: { type: 'string', default: '8' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      folder: { type: 'string', default: tmpdir() },
    },
  })
  const storage = values.storage as KillPlan['storage']
  if (!['sqlite', 'postgres', 'server'].includes(storage)) throw new Error(`there is no storage ${storage}`)
  const plan: KillPlan = {
    storage,
    rounds: Number(values.rounds),
    roundsPerHouse: 8,
    writers: Number(values.writers),
    callers: Number(values.callers),
    seed: Number(values.seed),
    folder: values.folder,
  }
  // Each start of a server listens for the end of this process.
  process.setMaxListeners(0)
  const report = await runKillRig(plan)
  print(plan, report)
  process.exitCode = report.problems.length === 0 ? 0 : 1
}
