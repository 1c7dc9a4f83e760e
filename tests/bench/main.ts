// Speed, as ratios within one run: what the library costs on top of what cannot be avoided.
// Usage: pnpm bench [folder on a real disk] [rounds] [operations]
import { createSecretKey, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import path from 'node:path'
import { createKms, generateRootKey, localRootKey, type Kms } from '@chatelaine/core'
import { memoryStorage } from '@chatelaine/storage-memory'
import { sqliteStorage } from '@chatelaine/storage-sqlite'
import Database from 'better-sqlite3'
import { encodeContext } from '../../packages/core/src/envelope/context.ts'
import { encodeHeader } from '../../packages/core/src/envelope/header.ts'
import { seal } from '../../packages/core/src/envelope/seal.ts'
import { derived } from '../../packages/core/src/envelope/suite.ts'
import { systemRandomness } from '../../packages/core/src/crypto/randomness.ts'
import { systemTimers } from '../../packages/core/src/internal/defaults.ts'
import type { Material } from '../../packages/core/src/stages.ts'
import { bareGcm, bareSeal } from './bare.ts'
import { byCallers, median, seconds } from './measure.ts'

const callers = 64
const folder = mkdtempSync(path.join(process.argv[2] ?? process.cwd(), '.bench-'))
const rounds = Number(process.argv[3] ?? 7)
const operations = Number(process.argv[4] ?? 20_000)
const plaintext = randomBytes(1024)
const context = { table: 'customers' }
const keyId = '26deba78-ec38-4228-b52d-fed03d2b52b0'

const encoded = encodeContext(context)
const header = encodeHeader({ suite: derived, keyId, keyVersion: 1 })
const gcm = bareGcm(plaintext, encoded.bytes)
const steps = bareSeal(plaintext, header, encoded.bytes)
const material = { keyId, keyVersion: 1, secret: createSecretKey(randomBytes(32)) } as Material
const tools = { random: systemRandomness, timers: systemTimers }

async function open(storage: Parameters<typeof createKms>[0]['storage']): Promise<Kms> {
  const kms = await createKms({ storage, rootKey: localRootKey(generateRootKey()) })
  await kms.keys.ensure({ name: 'bench', spec: 'AES_256' })
  return kms
}

const encryptBy = async (kms: Kms): Promise<void> =>
  byCallers(callers, operations, async () => kms.encrypt({ key: 'bench', plaintext, context }))

const loop = (work: () => unknown): void => {
  for (let i = 0; i < operations; i++) work()
}

/** Everything that the last run left in `records` and its schema, written again by the bare driver, 64 to a synced transaction. */
function rowWriter(source: string): () => void {
  const from = new Database(source, { readonly: true })
  const rows = from
    .prepare('select * from chatelaine_records order by seq desc limit ?')
    .raw()
    .all(operations)
    .toReversed()
  const schema = from
    .prepare("select sql from sqlite_master where tbl_name = 'chatelaine_records' and sql is not null")
    .pluck()
    .all()
  const columns = (rows[0] as unknown[]).length
  from.close()
  let run = 0
  return () => {
    const to = new Database(path.join(folder, `bare-${run++}.db`))
    to.pragma('journal_mode = WAL')
    to.pragma('synchronous = FULL')
    for (const sql of schema) to.exec(String(sql))
    const insert = to.prepare(`insert into chatelaine_records values (${Array(columns).fill('?').join(',')})`)
    const batch = to.transaction((some: unknown[]) => {
      for (const row of some) insert.run(row as unknown[])
    })
    for (let at = 0; at < rows.length; at += 64) batch.immediate(rows.slice(at, at + 64))
    to.close()
  }
}

const file = path.join(folder, 'bench.db')
const memory = await open(memoryStorage())
const counted = sqliteStorage(file)
const transact = counted.transact.bind(counted)
let commits = 0
counted.transact = async (...call) => {
  commits += 1
  return transact(...call)
}
const sqlite = await open(counted)
await encryptBy(memory)
await encryptBy(sqlite)
const bareRows = rowWriter(file)

const times: Record<string, number[]> = { gcm: [], steps: [], seal: [], memory: [], sqlite: [], rows: [] }
const note = async (name: string, work: () => Promise<void> | void): Promise<void> => {
  times[name]?.push((await seconds(work)) / operations)
}
for (let round = 0; round < rounds; round++) {
  await note('gcm', () => loop(gcm))
  await note('steps', () => loop(steps))
  await note('seal', async () => {
    for (let i = 0; i < operations; i++) await seal(material, { suite: derived, plaintext, context: encoded }, tools)
  })
  const fresh = await open(memoryStorage())
  await note('memory', async () => encryptBy(fresh))
  await fresh.close()
  await note('sqlite', async () => encryptBy(sqlite))
  await note('rows', bareRows)
}
const health = await sqlite.ops.health()
await memory.close()
await sqlite.close()

rmSync(folder, { recursive: true })

const at = (name: string): number => median(times[name] as number[])
const micros = (name: string): string => `${(at(name) * 1e6).toFixed(1).padStart(7)} µs`
const sum = at('memory') + at('rows')
console.log(
  `node ${process.version}, database in ${path.dirname(file)}, ${callers} callers, medians of ${rounds} rounds of ${operations}`,
)
console.log(`bare AES-256-GCM of 1 KiB        ${micros('gcm')}`)
console.log(`the steps of CM1 in node:crypto  ${micros('steps')}`)
console.log(
  `seal                             ${micros('seal')}   ${(at('seal') / at('steps')).toFixed(2)} × its steps (at most 1.5)`,
)
console.log(
  `audited encrypt on memory        ${micros('memory')}   ${(at('memory') / at('seal')).toFixed(2)} × seal (at most 2.5)`,
)
console.log(`   against bare AES-256-GCM      ${(at('gcm') / at('memory')).toFixed(2)} of its rate (aim 0.25)`)
console.log(`its rows by the driver alone     ${micros('rows')}`)
console.log(
  `audited encrypt on SQLite, FULL  ${micros('sqlite')}   ${((100 * sum) / at('sqlite')).toFixed(0)} % of the rate of both added (at least 50)`,
)
console.log(`records per commit               ${((health.chain?.size ?? 0) / commits).toFixed(1)} (at least 16)`)

const kept = [at('seal') / at('steps') <= 1.5, at('memory') / at('seal') <= 2.5, sum / at('sqlite') >= 0.5]
const batches = (health.chain?.size ?? 0) / commits >= 16
if (!batches || kept.includes(false)) {
  console.error('a limit is not kept')
  process.exitCode = 1
}
