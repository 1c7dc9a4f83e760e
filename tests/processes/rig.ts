// Several processes with many callers each on one database, and a judge of what they did.
//
//   node tests/processes/rig.ts [--storage sqlite|postgres] [--operations 20000] [--processes 2] [--callers 16]
//                               [--seed 1] [--folder /tmp]
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { createKms, generateRootKey, localRootKey, type Kms } from '@chatelaine/core'
import { allRecords } from '../support/outcomes.ts'
import { Desk } from './caller.ts'
import { oracleOn } from './oracle.ts'
import { bytesOf, storageAt, withPlace, withServer, type Place, type Site } from './place.ts'
import { fromLine, isAnswered, keys, principals, type RigPlan, type Seen, type WorkerPlan } from './plan.ts'
import { Replay } from './replay.ts'

/** What a run showed. */
export interface RigReport {
  readonly seed: number
  readonly operations: number
  readonly records: number
  readonly seconds: number
  readonly slowestMs: number
  readonly bytes: number
  readonly counts: Readonly<Record<string, number>>
  /** What does not hold. None, if all is well. */
  readonly problems: readonly string[]
}

/** Runs the rig in a database of its own, which is removed in the end. */
export async function runRig(plan: RigPlan, site: Site = { kind: 'sqlite' }): Promise<RigReport> {
  return withPlace(site, async (place, folder) => runIn({ place, folder }, plan))
}

async function runIn({ place, folder }: { place: Place; folder: string }, plan: RigPlan): Promise<RigReport> {
  const rootKey = generateRootKey()
  const open = async (): Promise<Kms> => createKms({ storage: storageAt(place), rootKey: localRootKey(rootKey) })
  const setUp = await prepare(await open())
  const began = performance.now()
  const { callers } = plan
  const operations = Math.ceil(plan.operations / plan.processes)
  const workers = Array.from({ length: plan.processes }, async (_, index) => {
    const log = path.join(folder, `worker-${index}.log`)
    const told = { place, rootKey, log, operations, callers, grants: setUp.grants, name: `w${index}` }
    await work({ ...told, seed: plan.seed * 1000 + index })
    return readFileSync(log, 'utf8').trimEnd().split('\n').map(fromLine)
  })
  const seen = [...setUp.seen, ...(await Promise.all(workers)).flat()]
  const seconds = (performance.now() - began) / 1000
  const kms = await open()
  const chain = await allRecords(kms)
  const { ok } = await kms.audit.verify()
  await kms.close()
  const { problems, counts } = new Replay(seen).run(chain)
  return {
    seed: plan.seed,
    operations: seen.length,
    records: chain.length,
    seconds,
    slowestMs: seen.reduce((most, { invoked, returned }) => Math.max(most, Number(returned - invoked) / 1e6), 0),
    bytes: await bytesOf(place),
    counts,
    problems: [
      ...problems,
      ...unansweredIn(seen),
      ...(await oracleOn(place)),
      ...(ok ? [] : ['the log does not verify']),
    ],
  }
}

/** Nothing fails here but what callers are not allowed to do: everybody gets an answer. */
export function unansweredIn(seen: readonly Seen[]): string[] {
  const unanswered = seen.filter((each) => !isAnswered(each))
  return unanswered.map(({ requestId, ask, code }) => `${requestId} (${ask.type}) was told ${String(code)}`)
}

/** Makes the keys, and lets everybody use all of them at first. */
export async function prepare(kms: Kms): Promise<{ seen: readonly Seen[]; grants: readonly string[] }> {
  const desk = new Desk(kms, 'setup')
  const by = 'owner'
  await Promise.all(keys.map(async (key) => desk.ask({ type: 'create', by, key })))
  const operations = ['encrypt', 'decrypt', 'reEncryptFrom', 'reEncryptTo']
  for (const to of principals) await desk.ask({ type: 'grant', by, to, key: '*', operations, expiresAt: undefined })
  await kms.close()
  return desk
}

async function work(plan: WorkerPlan): Promise<void> {
  const worker = path.join(import.meta.dirname, 'worker.ts')
  const child = spawn(process.execPath, ['--disable-warning=CHATELAINE_SQLITE_SHARED', worker, JSON.stringify(plan)], {
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  const code = await new Promise((resolve, reject) => child.once('error', reject).once('exit', resolve))
  if (code !== 0) throw new Error(`a worker ended with ${String(code)}`)
}

/** The report, for people. */
function print(report: RigReport): void {
  const { seed, operations, records, seconds, slowestMs, bytes, counts, problems } = report
  const rate = Math.round(operations / seconds)
  console.log(
    `seed ${seed}: ${operations} operations, ${records} records in ${seconds.toFixed(1)} s (${rate} a second)`,
  )
  console.log(`slowest ${slowestMs.toFixed(0)} ms, database ${(bytes / 2 ** 20).toFixed(1)} MiB`)
  for (const name of Object.keys(counts).toSorted()) console.log(`  ${String(counts[name]).padStart(7)}  ${name}`)
  console.log(
    problems.length === 0 ? 'every success was legal, every refusal justified' : `${problems.length} problems`,
  )
  for (const problem of problems.slice(0, 20)) console.log(`  ${problem}`)
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      storage: { type: 'string', default: 'sqlite' },
      operations: { type: 'string', default: '20000' },
      processes: { type: 'string', default: '2' },
      callers: { type: 'string', default: '16' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      folder: { type: 'string', default: tmpdir() },
    },
  })
  const plan = {
    operations: Number(values.operations),
    processes: Number(values.processes),
    callers: Number(values.callers),
    seed: Number(values.seed),
  }
  const report =
    values.storage === 'postgres'
      ? await withServer(async (url) => runRig(plan, { kind: 'postgres', url }))
      : await runRig(plan, { kind: 'sqlite', folder: values.folder })
  print(report)
  process.exitCode = report.problems.length === 0 ? 0 : 1
}
