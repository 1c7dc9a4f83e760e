// Several processes that run the scheduler on one database with many keys to rotate, one of them killed half-way.
//
//   node tests/lifecycle/scheduler-rig.ts [--storage sqlite|postgres] [--keys 1000] [--processes 4] [--folder /tmp]
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { createKms, generateRootKey, localRootKey, type Kms } from '@chatelaine/core'
import { oracleOn } from '../processes/oracle.ts'
import { storageAt, withPlace, withServer, type Place, type Site } from '../processes/place.ts'
import { allRecords } from '../support/outcomes.ts'

const day = 86_400_000

/** What a worker is told. */
export interface SchedulerWorker {
  readonly place: Place
  readonly rootKey: string
  readonly leaseMs: number
}

/** What is run. */
export interface SchedulerPlan {
  readonly keys: number
  readonly processes: number
}

/** What a run showed. */
export interface SchedulerReport {
  readonly keys: number
  readonly seconds: number
  /** How many were rotated by each process, as far as it could say. */
  readonly shares: readonly number[]
  /** Deeds that came too late: somebody else had taken over. */
  readonly fencedOff: number
  /** What does not hold. None, if all is well. */
  readonly problems: readonly string[]
}

/** Runs the rig in a database of its own, which is removed in the end. */
export async function runSchedulerRig(plan: SchedulerPlan, site: Site): Promise<SchedulerReport> {
  return withPlace(site, async (place) => runIn(place, plan))
}

async function runIn(place: Place, { keys, processes }: SchedulerPlan): Promise<SchedulerReport> {
  const rootKey = generateRootKey()
  await makeDue(place, rootKey, keys)
  const kms = await createKms({ storage: storageAt(place), rootKey: localRootKey(rootKey), deadlineMs: 60_000 })
  const began = performance.now()
  const told = JSON.stringify({ place, rootKey, leaseMs: 2000 } satisfies SchedulerWorker)
  const workers = Array.from({ length: processes }, () => new Worker(told))
  await kms.audit.list({ limit: 1 })
  let victim: Worker | undefined
  while ((await left(kms)) > 0) {
    const done = workers.reduce((sum, worker) => sum + worker.done, 0)
    if (victim === undefined && done >= keys / 2) {
      victim = workers.toSorted((a, b) => b.done - a.done)[0]
      victim?.child.kill('SIGKILL')
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  const seconds = (performance.now() - began) / 1000
  await Promise.all(workers.map(async (worker) => worker.end()))
  const problems = victim === undefined ? ['nobody was killed'] : []
  const judged = await judge(kms, keys)
  await kms.close()
  const shares = workers.map(({ done }) => done)
  return { keys, seconds, shares, ...judged, problems: [...problems, ...judged.problems, ...(await oracleOn(place))] }
}

/** Keys that were made two days ago, to be rotated every day. */
async function makeDue(place: Place, rootKey: string, keys: number): Promise<void> {
  const clock = { now: () => Date.now() - 2 * day, monotonic: () => performance.now() }
  const options = { storage: storageAt(place), rootKey: localRootKey(rootKey), clock, deadlineMs: 600_000 }
  const kms = await createKms(options)
  const made = Array.from({ length: keys }, async (_, at) =>
    kms.keys.create({ name: `k${at}`, spec: 'AES_256', rotationPeriodDays: 1 }),
  )
  await Promise.all(made)
  await kms.close()
}

async function left(kms: Kms): Promise<number> {
  let count = 0
  for await (const { currentVersion } of kms.keys.list({ limit: 500 })) count += currentVersion === 1 ? 1 : 0
  return count
}

/** Each key is rotated once, by one record, and the log verifies. */
async function judge(kms: Kms, keys: number): Promise<{ problems: string[]; fencedOff: number }> {
  const records = await allRecords(kms)
  const deeds = records.filter(({ actor, action }) => actor === 'scheduler' && action === 'rotateKey')
  const failures = deeds.filter(({ status }) => status !== 'SUCCESS')
  const rotated = deeds.filter(({ status }) => status === 'SUCCESS').map(({ keyId }) => String(keyId))
  const versions: number[] = []
  for await (const { currentVersion } of kms.keys.list({ limit: 500 })) versions.push(currentVersion)
  const holds: readonly [boolean, string][] = [
    [new Set(rotated).size === keys, `${new Set(rotated).size} of ${keys} keys were rotated`],
    [rotated.length === keys, `there were ${rotated.length} rotations of ${keys} keys`],
    [versions.length === keys && versions.every((each) => each === 2), 'a key has not two versions'],
    [failures.every(({ code }) => code === 'CONFLICT'), `a deed failed: ${JSON.stringify(failures[0])}`],
    [(await kms.audit.verify()).ok, 'the log does not verify'],
  ]
  return { problems: holds.filter(([ok]) => !ok).map(([, problem]) => problem), fencedOff: failures.length }
}

class Worker {
  readonly child: ChildProcess
  done = 0

  constructor(told: string) {
    const file = path.join(import.meta.dirname, 'scheduler-worker.ts')
    this.child = spawn(process.execPath, [file, told], { stdio: ['pipe', 'pipe', 'inherit'] })
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      const last = text.trimEnd().split('\n').at(-1)
      this.done = Number(last?.split(' ')[0] ?? this.done)
    })
  }

  /** Tells it that nothing is left, and waits for its end. */
  async end(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return
    const exited = once(this.child, 'exit')
    this.child.stdin?.end()
    await exited
  }
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      storage: { type: 'string', default: 'postgres' },
      keys: { type: 'string', default: '1000' },
      processes: { type: 'string', default: '4' },
      folder: { type: 'string', default: tmpdir() },
    },
  })
  const plan = { keys: Number(values.keys), processes: Number(values.processes) }
  const report =
    values.storage === 'sqlite'
      ? await runSchedulerRig(plan, { kind: 'sqlite', folder: values.folder })
      : await withServer(async (url) => runSchedulerRig(plan, { kind: 'postgres', url }))
  console.log(JSON.stringify(report, undefined, 2))
  process.exitCode = report.problems.length === 0 ? 0 : 1
}
