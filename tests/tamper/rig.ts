// Why: "the database is assumed compromised" is worth what somebody who has the database can do. This builds a small house
// and attacks it: every byte of every column of the state, heads and checkpoints, columns swapped, rows deleted, forged,
// replayed, exchanged between tenants and databases, the log cut, everything put back to every earlier moment. Each attack
// is played in a transaction that is undone, and everything that the users of the house ask is compared with what they
// saw before. Triggers, rules, views, policies, columns and indexes are planted in copies of the database, before the house
// is opened and while it is open. Beside it, operations that nobody disturbs must raise no alarm. Every worker is a process of its own, with a
// house of its own that is the same as the others', and plays its part of the attacks.
//
//   pnpm rig:tamper [--storage sqlite,postgres] [--workers 2] [--every 1] [--records 6] [--pairs 500] [--annex 8]
//                   [--hidden 12] [--clean 100000] [--seed tamper] [--shard 0/2] [--planted] [--write] [--join]
//
// What a storage came to is left in node_modules/.cache/tamper, so that storages may be attacked side by side: each by a
// command of its own, and `--join` writes docs/tamper-verdicts.md of what they left. `--write` attacks and writes.
import { fork } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
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
    annex: { type: 'string', default: '8' },
    hidden: { type: 'string', default: '12' },
    clean: { type: 'string', default: '100000' },
    seed: { type: 'string', default: 'tamper' },
    shard: { type: 'string' },
    write: { type: 'boolean', default: false },
    join: { type: 'boolean', default: false },
    planted: { type: 'boolean', default: false },
  },
})

const scope = {
  every: Number(values.every),
  records: Number(values.records),
  pairs: Number(values.pairs),
  annex: Number(values.annex),
  hidden: Number(values.hidden),
}

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
      isPlantedOnly: values.planted,
      clean: Math.ceil(Number(values.clean) / count),
      scope: { ...scope, shard },
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
    `of records every byte of ${values.records} and ${values.pairs} pairs; in the annex at most ${values.annex} of a kind on a table, evenly chosen, and for each act every ${values.hidden}th row of a table hidden, from another one on`,
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

const results = new URL('../../node_modules/.cache/tamper/', import.meta.url)

function leave(chapter: Chapter): void {
  mkdirSync(results, { recursive: true })
  writeFileSync(new URL(`${chapter.storage}.json`, results), JSON.stringify(chapter))
}

/** What an earlier command, or this one, came to. */
function left(storage: string): Chapter {
  return JSON.parse(readFileSync(new URL(`${storage}.json`, results), 'utf8')) as Chapter
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

const storages = values.storage.split(',')
for (const storage of values.join ? [] : storages) {
  const chapter = storage === 'postgres' ? await attackPostgres() : await attackFile(storage)
  // A part of the work is no chapter.
  if (values.shard === undefined && !values.planted) leave(chapter)
}
if (values.join || values.write) {
  writeFileSync(new URL('../../docs/tamper-verdicts.md', import.meta.url), pageOf(storages.map(left)))
}
