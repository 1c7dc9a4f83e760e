// What the storage costs on top of pg: the same transaction, with ready-made rows, by the storage and by pg alone.
// Usage: node tests/postgres/bench.ts [folder on a real disk] [transactions] [rounds]
import { tables } from '@chatelaine/core/storage'
import type { Row } from '@chatelaine/core/storage'
import { postgresStorage } from '@chatelaine/storage-postgres'
import { chownSync, mkdtempSync } from 'node:fs'
import path from 'node:path'
import pg from 'pg'
import { median } from '../bench/measure.ts'
import { PostgresServer } from '../support/postgres-server.ts'

const folder = mkdtempSync(path.join(process.argv[2] ?? process.cwd(), '.bench-pg-'))
const transactions = Number(process.argv[3] ?? 300)
const rounds = Number(process.argv[4] ?? 7)
const batch = 64
if (process.getuid?.() === 0) chownSync(folder, 65534, 65534)
const server = await PostgresServer.start({ folder })
if (server === undefined) throw new Error('There is no server for this platform.')

const columns = Object.keys(tables.find(({ name }) => name === 'records')?.columns ?? {})
const headColumns = Object.keys(tables.find(({ name }) => name === 'heads')?.columns ?? {})
let seq = 0
const id = '26deba78-ec38-4228-b52d-fed03d2b52b0'
const record = (tenant: string): Row => ({
  tenant,
  seq: seq++,
  ts: 1_764_000_000_000 + seq,
  actor: 'owner',
  action: 'encrypt',
  status: 'SUCCESS',
  keyId: id,
  writer: id,
  writerSeq: seq,
  hash: Buffer.alloc(32, seq),
  text: JSON.stringify({ v: 1, seq, text: 'x'.repeat(450) }),
})
const zeros = Buffer.alloc(32)
const head = (tenant: string): Row => ({
  tenant,
  size: seq,
  headHash: zeros,
  frontier: Buffer.alloc(320),
  revision: 1,
  stateRoot: zeros,
  lastChange: 0,
  lastChangeHash: zeros,
  ts: 1,
  epoch: 1,
  mac: zeros,
})

const storage = postgresStorage(server.url)
await storage.open(tables)
await storage.migrate()
for (const tenant of ['ours', 'theirs', 'all']) {
  await storage.transact(tenant, (tx) => tx.insert('locks', { tenant }))
}
const client = new pg.Client(server.url)
await client.connect()

const quoted = (names: readonly string[]): string => names.map((name) => `"${name}"`).join(', ')
const places = (count: number, from: number): string =>
  Array.from({ length: count }, (_, at) => `$${from + at + 1}`).join(', ')
const lists = Array.from({ length: batch }, (_, at) => `(${places(columns.length, at * columns.length)})`)
const insertRecords = `insert into chatelaine_records (${quoted(columns)}) values ${lists.join(', ')}`
const insertHead = `insert into chatelaine_heads (${quoted(headColumns)}) values (${places(headColumns.length, 0)})`
const readHead = 'select * from chatelaine_heads where tenant = $1 order by size desc limit 1'
const lock = 'select tenant from chatelaine_locks where tenant = $1 for update'

async function byPg(rows: readonly Row[], last: Row): Promise<void> {
  await client.query('begin')
  await client.query({ name: 'lock', text: lock, values: ['theirs'] })
  await client.query({ name: 'head', text: readHead, values: ['theirs'] })
  await client.query({ name: 'records', text: insertRecords, values: rows.flatMap((row) => Object.values(row)) })
  await client.query({ name: 'insert head', text: insertHead, values: Object.values(last) })
  await client.query('commit')
}

async function byStorage(rows: readonly Row[], last: Row): Promise<void> {
  await storage.transact('ours', async (tx) => {
    await tx.range('heads', { prefix: ['ours'], order: 'desc', limit: 1 })
    await tx.append('records', rows)
    await tx.insert('heads', last)
  })
}

async function timed(tenant: string, write: (rows: readonly Row[], last: Row) => Promise<void>): Promise<number> {
  const work = Array.from({ length: transactions }, () => {
    const rows = Array.from({ length: batch }, () => record(tenant))
    return { rows, last: head(tenant) }
  })
  const started = performance.now()
  for (const { rows, last } of work) await write(rows, last)
  return (performance.now() - started) / transactions
}

const times = { pg: [] as number[], storage: [] as number[] }
await timed('theirs', byPg)
await timed('ours', byStorage)
for (let round = 0; round < rounds; round++) {
  times.pg.push(await timed('theirs', byPg))
  times.storage.push(await timed('ours', byStorage))
}
const settings = await client.query<{ fsync: string; commit: string }>(
  "select current_setting('fsync') as fsync, current_setting('synchronous_commit') as commit",
)
const [raw, ours] = [median(times.pg), median(times.storage)]
console.log(`node ${process.version}, database in ${folder}, ${JSON.stringify(settings.rows[0])}`)
console.log(`transactions of ${batch} records, medians of ${rounds} rounds of ${transactions}`)
console.log(`pg alone   ${raw.toFixed(2)} ms   ${((batch / raw) * 1000).toFixed(0)} records/s`)
console.log(
  `storage    ${ours.toFixed(2)} ms   ${((batch / ours) * 1000).toFixed(0)} records/s   ${((100 * raw) / ours).toFixed(0)} % of its rate`,
)
await client.end()
await storage.close()
await server.remove()
