// Why: "the database is assumed compromised" is worth what somebody who has the database can do. This builds a small house
// and attacks it: every byte of every column of the state, heads and checkpoints, columns swapped, rows deleted, forged,
// replayed, exchanged between tenants and databases, the log cut, everything put back to every earlier moment. Each attack
// is played in a transaction that is undone, and everything that the users of the house ask is compared with what they
// saw before. Triggers, rules, views, policies, columns and indexes are planted in copies of the database, before the house
// is opened and while it is open. Beside it, operations that nobody disturbs must raise no alarm. Every worker is a process of its own, with a
// house of its own that is the same as the others', and plays its part of the attacks.
//
//   pnpm rig:tamper [--storage sqlite,postgres] [--workers 2] [--every 1] [--records 6] [--pairs 500] [--clean 100000]
//                   [--seed tamper] [--shard 0/2] [--write]
import { fork } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { PostgresServer } from '../support/postgres-server.ts'
import { byVerdict, Findings } from './findings.ts'
import { pageOf, tableOf, unexplained, type Chapter } from './page.ts'
import type { Part, PartReport } from './part.ts'

const { values } = parseArgs({
  options: {
    storage: { type: 'string', default: 'sqlite,postgres' },
    workers: { type: 'string', default: '2' },
    every: { type: 'string', default: '1' },
    records: { type: 'string', default: '6' },
    pairs: { type: 'string', default: '500' },
    clean: { type: 'string', default: '100000' },
    seed: { type: 'string', default: 'tamper' },
    shard: { type: 'string' },
    write: { type: 'boolean', default: false },
  },
})

/** What there is to do, in as many parts as there are workers; or the one part that was asked for. */
function partsOn(storage: string, place: string): Part[] {
  const [index, of] = values.shard?.split('/').map(Number) ?? []
  const isOne = index !== undefined && of !== undefined
  const count = isOne ? of : Number(values.workers)
  const all = Array.from({ length: count }, (_, number) => ({ index: number, of: count }))
  return all
    .filter((shard) => !isOne || shard.index === index)
    .map((shard) => ({
      storage,
      place,
      seed: values.seed,
      clean: Math.ceil(Number(values.clean) / count),
      scope: { every: Number(values.every), records: Number(values.records), pairs: Number(values.pairs), shard },
    }))
}

/** Has a process of its own do a part. */
async function delegate(part: Part): Promise<PartReport> {
  const worker = fork(new URL('part.ts', import.meta.url))
  return new Promise((resolve, reject) => {
    worker.once('message', (report) => resolve(report as PartReport))
    worker.once('exit', (code) => reject(new Error(`a worker ended with ${String(code)} before it had reported`)))
    worker.send(part)
  })
}

async function attack(storage: string, place: string): Promise<Chapter> {
  const began = performance.now()
  const reports = await Promise.all(partsOn(storage, place).map(delegate))
  const findings = new Findings()
  for (const { report } of reports) findings.add(report)
  const { report } = findings
  const operations = reports.reduce((sum, { clean }) => sum + clean.operations, 0)
  const alarms = reports.flatMap(({ clean }) => clean.alarms)
  const verdicts = [...byVerdict(report)].map(([verdict, count]) => `${count} ${verdict}`)
  const told = [
    `${report.cases} attacks, ${report.effective.length} of them with effect; seed ${values.seed}, every ${values.every}`,
    verdicts.join(', '),
    `${operations} operations that nobody disturbed, ${alarms.length} false alarms`,
  ]
  const seconds = ((performance.now() - began) / 1000).toFixed(0)
  process.stdout.write(`## ${storage}\n\n${tableOf(report)}\n\n${told.join('\n')}\n${seconds} s\n\n`)
  for (const problem of [...report.effective, ...unexplained(report), ...alarms]) {
    process.stdout.write(`PROBLEM ${problem}\n`)
    process.exitCode = 1
  }
  return { storage, report, told }
}

async function attackPostgres(): Promise<Chapter> {
  const server = await PostgresServer.start()
  if (server === undefined) throw new Error('There is no PostgreSQL server on this machine.')
  try {
    return await attack('postgres', server.url)
  } finally {
    await server.remove()
  }
}

async function attackFile(storage: string): Promise<Chapter> {
  const folder = mkdtempSync(path.join(tmpdir(), 'chatelaine-tamper-'))
  try {
    return await attack(storage, folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const chapters: Chapter[] = []
for (const storage of values.storage.split(',')) {
  chapters.push(storage === 'postgres' ? await attackPostgres() : await attackFile(storage))
}
if (values.write) writeFileSync(new URL('../../docs/tamper-verdicts.md', import.meta.url), pageOf(chapters))
