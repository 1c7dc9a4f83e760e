// What a transaction that stays open costs: a KMS that writes batches beside one, and one that writes without.
//
//   node tests/snapshot/rig.ts [--batches 20000] [--segments 10] [--adapter postgres|sqlite|both] [--folder <real disk>]
import { chownSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import pg from 'pg'
import { PostgresServer } from '../support/postgres-server.ts'
import { postgresArena, sqliteArena } from './arena.ts'
import { mean, race, type Pair } from './race.ts'

/** Of the throughput without. */
const least = 0.8

const { values } = parseArgs({
  options: {
    batches: { type: 'string', default: '20000' },
    segments: { type: 'string', default: '10' },
    adapter: { type: 'string', default: 'both' },
    folder: { type: 'string', default: process.cwd() },
  },
})
const segments = Number(values.segments)
const batchesPerSegment = Math.ceil(Number(values.batches) / segments)

async function onPostgres(folder: string): Promise<number> {
  const home = path.join(folder, 'server')
  mkdirSync(home, { mode: 0o700 })
  if (process.getuid?.() === 0) chownSync(home, 65534, 65534)
  const server = await PostgresServer.start({ folder: home })
  if (server === undefined) throw new Error('There is no server for this platform.')
  try {
    const client = new pg.Client(server.url)
    await client.connect()
    for (const name of ['free', 'held']) await client.query(`create database ${name}`)
    const settings = await client.query<{ fsync: string; commit: string }>(
      "select current_setting('fsync') as fsync, current_setting('synchronous_commit') as commit",
    )
    await client.end()
    console.log(`PostgreSQL, ${JSON.stringify(settings.rows[0])}, in ${home}`)
    const urlOf = (database: string): string => server.url.replace('/postgres?', `/${database}?`)
    return await compare({ free: await postgresArena(urlOf('free')), held: await postgresArena(urlOf('held')) })
  } finally {
    await server.remove()
  }
}

async function onSqlite(folder: string): Promise<number> {
  const folders = ['free', 'held'].map((name) => path.join(folder, name)) as [string, string]
  for (const each of folders) mkdirSync(each)
  console.log(`SQLite, in ${folder}`)
  return compare({ free: await sqliteArena(folders[0]), held: await sqliteArena(folders[1]) })
}

/** Gives the throughput beside a held transaction, as a part of that without. */
async function compare(pair: Pair): Promise<number> {
  console.log(`  ms per batch, ${segments} segments of ${batchesPerSegment}: without, beside a held transaction`)
  const times = await race(pair, {
    segments,
    batchesPerSegment,
    onSegment: (free, held) =>
      console.log(`  ${free.toFixed(3)}  ${held.toFixed(3)}  ${((100 * free) / held).toFixed(0)} %`),
  })
  await pair.free.close()
  await pair.held.close()
  const [free, held] = [mean(times.free), mean(times.held)]
  const rates = [1000 / free, 1000 / held].map((rate) => rate.toFixed(0))
  console.log(`  ${rates[0]} batches a second without, ${rates[1]} beside: ${((100 * free) / held).toFixed(1)} %`)
  return free / held
}

console.log('nothing here is drawn at random, so there is no seed')
const folder = mkdtempSync(path.join(values.folder, '.rig-snapshot-'))
if (process.getuid?.() === 0) chownSync(folder, 65534, 65534)
try {
  const parts: number[] = []
  if (values.adapter !== 'sqlite') parts.push(await onPostgres(folder))
  if (values.adapter !== 'postgres') parts.push(await onSqlite(folder))
  const isKept = parts.every((part) => part >= least)
  console.log(isKept ? 'within 20 %' : 'slower by more than 20 %')
  process.exitCode = isKept ? 0 : 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}
