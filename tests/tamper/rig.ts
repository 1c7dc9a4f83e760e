// Why: "the database is assumed compromised" is worth what somebody who has the database can do. This builds a small house
// and attacks it: every byte of every column of the state, heads and checkpoints, columns swapped, rows deleted, forged,
// replayed, exchanged between tenants and databases, the log cut, everything put back to every earlier moment. Each attack
// is played in a transaction that is undone, and everything that the users of the house ask is compared with what they
// saw before. Beside it, operations that nobody disturbs must raise no alarm.
//
//   pnpm rig:tamper [--storage memory|sqlite|postgres] [--every 1] [--records 6] [--clean 100000] [--write]
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import type { StorageAdapter } from '@chatelaine/core/storage'
import { memoryStorage } from '@chatelaine/storage-memory'
import { postgresStorage } from '@chatelaine/storage-postgres'
import { sqliteStorage } from '@chatelaine/storage-sqlite'
import { PostgresServer } from '../support/postgres-server.ts'
import { campaign, tableOf, unexplained, type Report } from './campaign.ts'
import { cleanOperations } from './clean.ts'
import { buildWorld, type Image } from './world.ts'

const { values } = parseArgs({
  options: {
    storage: { type: 'string', default: 'sqlite' },
    every: { type: 'string', default: '1' },
    records: { type: 'string', default: '6' },
    clean: { type: 'string', default: '100000' },
    write: { type: 'boolean', default: false },
  },
})

type Make = (name: string) => StorageAdapter

async function withStorages(use: (make: Make) => Promise<void>): Promise<void> {
  if (values.storage === 'memory') return use(() => memoryStorage())
  if (values.storage === 'postgres') {
    const server = await PostgresServer.start()
    if (server === undefined) throw new Error('There is no PostgreSQL server on this machine.')
    try {
      return await use((schema) => postgresStorage({ connectionString: server.url, schema }))
    } finally {
      await server.remove()
    }
  }
  const folder = mkdtempSync(path.join(tmpdir(), 'chatelaine-tamper-'))
  try {
    return await use((name) => sqliteStorage(path.join(folder, `${name}.db`)))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function print(report: Report, told: readonly string[]): void {
  process.stdout.write(`\r${tableOf(report)}\n\n${told.join('\n')}\n`)
  for (const problem of [...report.effective, ...unexplained(report)]) process.stdout.write(`PROBLEM ${problem}\n`)
}

await withStorages(async (make) => {
  const began = performance.now()
  const world = await buildWorld(make('world'))
  const another = await buildWorld(make('another'), 'another')
  const other = another.history.at(-1) as Image
  const onCase = (done: number): void => {
    if (process.stdout.isTTY && done % 100 === 0) process.stdout.write(`\r${done} attacks`)
  }
  const scope = { every: Number(values.every), records: Number(values.records) }
  const report = await campaign(world, other, { scope, onCase })
  const clean = await cleanOperations(make('clean'), Number(values.clean))
  for (const { storage } of [world, another]) await storage.close()
  const seconds = ((performance.now() - began) / 1000).toFixed(0)
  const told = [
    `${report.cases} attacks on ${values.storage}, ${report.effective.length} of them with effect; every ${values.every}`,
    `${clean.operations} operations that nobody disturbed, ${clean.alarms.length} false alarms`,
    `${seconds} s`,
  ]
  print(report, told)
  if (values.write) writeFileSync(new URL('../../docs/tamper-verdicts.md', import.meta.url), page(report, told))
  const bad = report.effective.length + unexplained(report).length + clean.alarms.length
  if (bad > 0) process.exitCode = 1
})

function page(report: Report, told: readonly string[]): string {
  return `# What became of each attack

*Written by \`npx -y pnpm@12 rig:tamper --write\`.* A small house with two tenants, each with three keys of three versions (one revoked, one that waits for its deletion), five grants, principals, a named data key and its log, is attacked by somebody who has the database and no key. Each attack is one case: one byte, one pair of columns, one row, one moment. It is **refused on open** or **on read** where somebody who meets it is told (\`STORAGE_TAMPERED\`, \`ROLLBACK_DETECTED\`, or a root key that does not fit) and everybody else sees what they saw before; **refused on verify** where only \`audit.verify\` tells; **told by the oracle** where nobody who was asked stands on what was changed, and \`checkInvariants\`, which computes the state tree from all rows without a key, tells; **hidden from a list** where a list shows less, and whoever uses what is hidden is refused; **harmless** where nobody sees anything else, for the reason given; and refused **by the database** where its keys forbid it. What would be effective is reported as such, and there is none.

${told
  .slice(0, 2)
  .map((line) => `- ${line}`)
  .join('\n')}

${tableOf(report)}
`
}
