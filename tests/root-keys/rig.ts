// A house whose root key is rotated, and whose material is moved to a new keyring epoch, by a process that is killed at
// random moments and started again, while two other processes encrypt and decrypt: one that has the old root key alone,
// one that has both. In the end everything opens, nothing is left under the old epoch, and doing it again changes nothing.
//
//   node tests/root-keys/rig.ts [--storage sqlite|postgres] [--versions 100000] [--kills 50] [--batch 100] [--seed 1]
//                               [--folder /tmp]
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as after } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { generateRootKey } from '@chatelaine/core'
import { oracleOn } from '../processes/oracle.ts'
import { withPlace, withServer, type Place, type Site } from '../processes/place.ts'
import { numbers } from '../processes/plan.ts'
import { fillHouse } from './fill.ts'
import { openWith, type LoadReport, type Message, type WorkerPlan } from './plan.ts'
import { doneAgain } from './stored.ts'

/** What the rig does. */
export interface RootKeyPlan {
  readonly storage: 'sqlite' | 'postgres'
  /** A server to work on. @defaultValue one of its own */
  readonly url?: string | undefined
  readonly versions: number
  readonly kills: number
  readonly batch: number
  readonly seed: number
  readonly folder?: string | undefined
}

/** What came of it. */
export interface RootKeyReport {
  /** Jobs that came to their end, beside those that were killed: one, or more where some were done too soon. */
  readonly finished: number
  /** What the other processes did meanwhile. */
  readonly encrypted: number
  readonly decrypted: number
  /** Rows that are under an older epoch in the end. */
  readonly left: number
  /** How long it took to make the house, to move all of it, and to look at it in the end. */
  readonly seconds: { readonly made: number; readonly moved: number; readonly judged: number }
  readonly problems: readonly string[]
}

/** Runs the rig on a place of its own. */
export async function runRootKeyRig(plan: RootKeyPlan): Promise<RootKeyReport> {
  const on = async (site: Site): Promise<RootKeyReport> =>
    withPlace(site, async (place, folder) => new Rig(plan, place, folder).run())
  if (plan.storage === 'sqlite') return on({ kind: 'sqlite', folder: plan.folder })
  if (plan.url !== undefined) return on({ kind: 'postgres', url: plan.url })
  return withServer(async (url) => on({ kind: 'postgres', url }))
}

class Rig {
  readonly #plan: RootKeyPlan
  readonly #place: Place
  readonly #messages: string
  readonly #old = generateRootKey()
  readonly #new = generateRootKey()
  readonly #said: Message[] = []
  readonly #problems: string[] = []
  #finished = 0

  constructor(plan: RootKeyPlan, place: Place, folder: string) {
    this.#plan = plan
    this.#place = place
    this.#messages = path.join(folder, 'messages.json')
  }

  async run(): Promise<RootKeyReport> {
    const times = [performance.now()]
    const lap = (): void => void times.push(performance.now())
    const before = await openWith(this.#place, [this.#old])
    this.#said.push(...(await fillHouse(before, this.#plan.versions)))
    await before.close()
    writeFileSync(this.#messages, JSON.stringify(this.#said))
    lap()
    const loads = await Promise.all([this.#load([this.#old], 1), this.#load([this.#new, this.#old], 2)])
    await this.#work()
    lap()
    const reports = await Promise.all(loads.map(endLoad))
    this.#said.push(...reports.flatMap(({ said }) => said))
    const left = await this.#judge()
    const failures = reports.flatMap(({ failures: some }) => some)
    this.#expect(failures.length === 0, `a process could not work: ${failures.slice(0, 3).join('; ')}`)
    for (const { decrypted } of reports) this.#expect(decrypted > 0, 'a process did nothing')
    this.#problems.push(...(await oracleOn(this.#place)))
    lap()
    const [made = 0, moved = 0, judged = 0] = times.slice(1).map((time, at) => (time - (times[at] ?? 0)) / 1000)
    const sum = (of: 'encrypted' | 'decrypted'): number => reports.reduce((all, report) => all + report[of], 0)
    const done = { encrypted: sum('encrypted'), decrypted: sum('decrypted') }
    return { finished: this.#finished, ...done, left, seconds: { made, moved, judged }, problems: this.#problems }
  }

  /** Starts the job again and again: it is killed a moment after it has come so far, or after so long. */
  async #work(): Promise<void> {
    const random = numbers(this.#plan.seed)
    const share = this.#plan.versions / (this.#plan.kills + 1)
    let newEpoch = false
    for (let killed = 0; killed < this.#plan.kills && this.#problems.length === 0;) {
      // Every fifth is killed while it starts and rotates, all others while they move rows.
      const isEarly = killed % 5 === 0
      const when = isEarly ? { afterMs: random() * 400 } : { moved: random() * share, afterMs: random() * 10 }
      const wasKilled = await this.#job({ newEpoch }, when)
      // One that was done before there was time to kill it has to begin anew.
      newEpoch = !wasKilled
      if (wasKilled) killed += 1
      else this.#finished += 1
    }
    await this.#job({ newEpoch })
    this.#finished += 1
  }

  /** Runs the job to its end, or kills it. Says whether it was killed. */
  async #job(how: { readonly newEpoch: boolean }, kill?: Moment): Promise<boolean> {
    const child = this.#spawn({ role: 'job', rootKeys: [this.#new, this.#old], number: 0, ...how })
    const exited = once(child, 'exit')
    const strike = async (ms: number): Promise<void> => {
      await after(ms)
      child.kill('SIGKILL')
    }
    let struck = false
    child.on('message', (message: { moved?: number; ready?: boolean }) => {
      if (kill === undefined || struck) return
      const isThere = kill.moved === undefined ? message.ready === true : (message.moved ?? -1) >= kill.moved
      if (!isThere) return
      struck = true
      void strike(kill.afterMs)
    })
    const [code, signal] = (await exited) as [number | null, string | null]
    if (signal !== 'SIGKILL' && code !== 0) this.#problems.push(`a job ended with ${String(code ?? signal)}`)
    return signal === 'SIGKILL'
  }

  async #load(rootKeys: readonly string[], number: number): Promise<Load> {
    const child = this.#spawn({ role: 'load', rootKeys, number })
    await once(child, 'message')
    const report = once(child, 'message').then(([told]) => told as LoadReport)
    // Nothing comes after that, while a process may have ended before all that it said was heard.
    const failed = once(child, 'disconnect').then((): LoadReport => ({
      encrypted: 0,
      decrypted: 0,
      said: [],
      failures: ['it ended without a word'],
    }))
    return { child, report: Promise.race([report, failed]) }
  }

  #spawn(told: Pick<WorkerPlan, 'role' | 'rootKeys' | 'number' | 'newEpoch'>): ChildProcess {
    const plan: WorkerPlan = { ...told, place: this.#place, batch: this.#plan.batch, messages: this.#messages }
    const program = path.join(import.meta.dirname, 'worker.ts')
    return spawn(process.execPath, [program, JSON.stringify(plan)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  }

  /** Looks at the house, with the new root key alone after the old one was retired. Says how many rows are left behind. */
  async #judge(): Promise<number> {
    const both = await openWith(this.#place, [this.#new, this.#old])
    const { isChanged, left } = await doneAgain(this.#place, both)
    this.#expect(!isChanged, 'doing it again changes something')
    this.#expect(left === 0, `${left} rows are under an older epoch`)
    await both.rootKey.rotate({ retire: true })
    await both.close()
    const kms = await openWith(this.#place, [this.#new])
    const { epochs, rewrap } = await kms.rootKey.status()
    this.#expect(rewrap === 'done' && epochs.length === 1, `it is not done: ${rewrap}`)
    for (let from = 0; from < this.#said.length; from += 1000) {
      const some = this.#said.slice(from, from + 1000)
      const { items } = await kms.decryptMany({ items: some.map(({ ciphertext }) => ({ ciphertext })) })
      const lost = items.filter((item, at) => !item.ok || item.plaintext.toString() !== some[at]?.says)
      this.#expect(lost.length === 0, `${lost.length} messages do not open`)
    }
    const verified = await kms.audit.verify()
    this.#expect(verified.ok, `the log does not verify: ${JSON.stringify(verified)}`)
    await kms.close()
    return left
  }

  #expect(holds: boolean, problem: string): void {
    if (!holds) this.#problems.push(problem)
  }
}

/** When to kill: so long after it is ready, or after it has moved so many rows. */
interface Moment {
  readonly moved?: number
  readonly afterMs: number
}

interface Load {
  readonly child: ChildProcess
  readonly report: Promise<LoadReport>
}

async function endLoad({ child, report }: Load): Promise<LoadReport> {
  if (child.connected) child.send('stop')
  return report
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      storage: { type: 'string', default: 'sqlite' },
      versions: { type: 'string', default: '100000' },
      kills: { type: 'string', default: '50' },
      batch: { type: 'string', default: '100' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      folder: { type: 'string', default: tmpdir() },
    },
  })
  const storage = values.storage as RootKeyPlan['storage']
  if (!['sqlite', 'postgres'].includes(storage)) throw new Error(`there is no storage ${storage}`)
  const numbersOf = { versions: Number(values.versions), kills: Number(values.kills), batch: Number(values.batch) }
  const plan = { storage, ...numbersOf, seed: Number(values.seed), folder: values.folder }
  const report = await runRootKeyRig(plan)
  console.log(
    `${storage}, seed ${plan.seed}: ${plan.versions} versions, ${plan.kills} jobs killed, ${report.finished} finished`,
  )
  const { made, moved, judged } = report.seconds
  console.log(`made in ${made.toFixed(1)} s, moved in ${moved.toFixed(1)} s, judged in ${judged.toFixed(1)} s`)
  console.log(`${report.encrypted} encrypted and ${report.decrypted} decrypted meanwhile`)
  console.log(`${report.left} rows left behind, ${report.problems.length} problems`)
  for (const problem of report.problems.slice(0, 20)) console.log(`  ${problem}`)
  process.exitCode = report.problems.length === 0 ? 0 : 1
}
