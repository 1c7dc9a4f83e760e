// Several processes with many callers each on one SQLite file, and a judge of what they did.
//
//   node tests/processes/rig.ts [--operations 20000] [--processes 2] [--callers 16] [--seed 1] [--folder /tmp]
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { createKms, generateRootKey, localRootKey, type Kms } from '@chatelaine/core'
import { sqliteStorage } from '@chatelaine/storage-sqlite'
import { allRecords } from '../support/outcomes.ts'
import { Desk } from './caller.ts'
import { fromLine, keys, principals, type RigPlan, type Seen, type WorkerPlan } from './plan.ts'
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

/** Runs the rig in a folder of its own, which is removed in the end. */
export async function runRig(plan: RigPlan, parent: string = tmpdir()): Promise<RigReport> {
  const folder = mkdtempSync(path.join(parent, 'chatelaine-rig-'))
  try {
    return await runIn(folder, plan)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

async function runIn(folder: string, plan: RigPlan): Promise<RigReport> {
  const rootKey = generateRootKey()
  const file = path.join(folder, 'kms.db')
  const open = async (): Promise<Kms> => createKms({ storage: sqliteStorage(file), rootKey: localRootKey(rootKey) })
  const setUp = await prepare(await open())
  const began = performance.now()
  const share = Math.ceil(plan.operations / plan.processes)
  const workers = Array.from({ length: plan.processes }, async (_, index) => {
    const log = path.join(folder, `worker-${index}.log`)
    const told = {
      file,
      rootKey,
      log,
      grants: setUp.grants,
      name: `w${index}`,
      operations: share,
      callers: plan.callers,
    }
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
  const slowestMs = Math.max(...seen.map(({ invoked, returned }) => Number(returned - invoked) / 1e6))
  return {
    seed: plan.seed,
    operations: seen.length,
    records: chain.length,
    seconds,
    slowestMs,
    bytes: statSync(file).size,
    counts,
    problems: ok ? problems : [...problems, 'the log does not verify'],
  }
}

/** Makes the keys, and lets everybody use all of them at first. */
async function prepare(kms: Kms): Promise<{ seen: readonly Seen[]; grants: readonly string[] }> {
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
      operations: { type: 'string', default: '20000' },
      processes: { type: 'string', default: '2' },
      callers: { type: 'string', default: '16' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      folder: { type: 'string', default: tmpdir() },
    },
  })
  const { operations, processes, callers, seed } = values
  const plan = {
    operations: Number(operations),
    processes: Number(processes),
    callers: Number(callers),
    seed: Number(seed),
  }
  const report = await runRig(plan, values.folder)
  print(report)
  process.exitCode = report.problems.length === 0 ? 0 : 1
}
