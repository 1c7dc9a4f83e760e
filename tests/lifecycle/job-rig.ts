// Several processes with one job of the scheduler, and one database: whoever does the job is killed in the midst of it,
// again and again, until one is left. That one is let alone for longer than a lease, and then ends the job.
//
//   node tests/lifecycle/job-rig.ts [--storage sqlite|postgres] [--processes 3] [--folder /tmp]
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { createKms, generateRootKey, localRootKey, type AuditRecord } from '@chatelaine/core'
import { oracleOn } from '../processes/oracle.ts'
import { storageAt, withPlace, withServer, type Place, type Site } from '../processes/place.ts'
import { allRecords } from '../support/outcomes.ts'

/** What a worker is told. */
export interface JobWorker {
  readonly place: Place
  readonly rootKey: string
  readonly leaseMs: number
  /** The moment of the job, in milliseconds since 1970. */
  readonly moment: number
}

/** What a run showed. */
export interface JobReport {
  readonly killed: number
  /** How often the lease was renewed. */
  readonly renewals: number
  /** What does not hold. None, if all is well. */
  readonly problems: readonly string[]
}

const leaseMs = 2000
const moment = Date.UTC(2026, 5, 1)

/** Runs the rig in a database of its own, which is removed in the end. */
export async function runJobRig(processes: number, site: Site): Promise<JobReport> {
  return withPlace(site, async (place) => runIn(place, processes))
}

async function runIn(place: Place, processes: number): Promise<JobReport> {
  const rootKey = generateRootKey()
  const told = { place, rootKey, leaseMs, moment } satisfies JobWorker
  const workers = Array.from({ length: processes }, () => new Worker(JSON.stringify(told)))
  const clock = { now: () => moment, monotonic: () => performance.now() }
  const kms = await createKms({ storage: storageAt(place), rootKey: localRootKey(rootKey), clock })
  for (const worker of workers) await worker.heard('ready')
  const now = Date.now()
  for (const worker of workers) worker.tell(`go ${now}`)
  const left = new Set(workers)
  const begun = async (): Promise<Worker> =>
    Promise.race([...left].map(async (worker) => worker.heard('begun').then(() => worker)))
  for (let doing = await begun(); left.size > 1; doing = await begun()) {
    left.delete(doing)
    await doing.kill()
  }
  const [last] = [...left] as [Worker]
  const renewed = async (): Promise<number> => ofJob(await allRecords(kms), 'keepJob').length
  while ((await renewed()) < 4) await new Promise((resolve) => setTimeout(resolve, 100))
  last.tell('end')
  await last.heard('ended')
  while (ofJob(await allRecords(kms), 'finishJob').length === 0) await new Promise((resolve) => setTimeout(resolve, 20))
  await last.end()
  const records = await allRecords(kms)
  const verification = await kms.audit.verify()
  await kms.close()
  const problems = [...judge(records, workers), ...(verification.ok ? [] : ['the log does not verify'])]
  const renewals = ofJob(records, 'keepJob').length
  return { killed: processes - 1, renewals, problems: [...problems, ...(await oracleOn(place))] }
}

function ofJob(records: readonly AuditRecord[], action: string): readonly AuditRecord[] {
  return records.filter((record) => record.action === action && record.status === 'SUCCESS')
}

/** Every process began the moment once, each after the one before it was dead, and the last one ended it. */
function judge(records: readonly AuditRecord[], workers: readonly Worker[]): string[] {
  const claims = ofJob(records, 'claimJob')
  const [finish, ...more] = ofJob(records, 'finishJob')
  const at = new Date(moment).toISOString()
  const waited = claims.slice(1).map(({ ts }, index) => Date.parse(ts) - Date.parse(String(claims[index]?.ts)))
  const said = (word: string): number =>
    workers.reduce((sum, { words }) => sum + words.filter((each) => each === word).length, 0)
  const holds: readonly [boolean, string][] = [
    [claims.length === workers.length, `it was claimed ${claims.length} times by ${workers.length} processes`],
    [claims.every(({ details }) => details?.['at'] === at), 'another moment was claimed than the one that there was'],
    [new Set(claims.map(({ writer }) => writer)).size === workers.length, 'a process took over from itself'],
    [waited.every((ms) => ms >= leaseMs), `it was taken over before a lease was over: ${waited.join()}`],
    [said('begun') === workers.length, 'a process began it twice, or never'],
    [said('ended') === 1, `it was ended ${said('ended')} times`],
    [finish?.writer === claims.at(-1)?.writer && more.length === 0, 'it was not finished once, by the last one'],
    [
      workers.every(({ words }) => words.every((word) => ['ready', 'begun', 'ended'].includes(word))),
      'something failed',
    ],
  ]
  return holds.filter(([ok]) => !ok).map(([, problem]) => problem)
}

class Worker {
  readonly words: string[] = []
  readonly #child: ChildProcess
  readonly #waiting = new Map<string, () => void>()

  constructor(told: string) {
    const file = path.join(import.meta.dirname, 'job-worker.ts')
    this.#child = spawn(process.execPath, [file, told], { stdio: ['pipe', 'pipe', 'inherit'] })
    createInterface({ input: this.#child.stdout as NonNullable<ChildProcess['stdout']> }).on('line', (word) => {
      this.words.push(word)
      this.#waiting.get(word)?.()
    })
  }

  /** Resolves once it has said something. */
  async heard(word: string): Promise<void> {
    if (this.words.includes(word)) return
    return new Promise((resolve) => void this.#waiting.set(word, resolve))
  }

  tell(word: string): void {
    this.#child.stdin?.write(`${word}\n`)
  }

  async kill(): Promise<void> {
    const exited = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await exited
  }

  async end(): Promise<void> {
    const exited = once(this.#child, 'exit')
    this.tell('stop')
    await exited
  }
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      storage: { type: 'string', default: 'sqlite' },
      processes: { type: 'string', default: '3' },
      folder: { type: 'string', default: tmpdir() },
    },
  })
  const processes = Number(values.processes)
  const report =
    values.storage === 'sqlite'
      ? await runJobRig(processes, { kind: 'sqlite', folder: values.folder })
      : await withServer(async (url) => runJobRig(processes, { kind: 'postgres', url }))
  console.log(JSON.stringify(report, undefined, 2))
  process.exitCode = report.problems.length === 0 ? 0 : 1
}
