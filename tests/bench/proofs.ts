import path from 'node:path'
import { passThrough } from '@chatelaine/conformance'
import { createKms, generateRootKey, localRootKey, type Kms } from '@chatelaine/core'
import { verifyProof } from '@chatelaine/core/verify'
import { sqliteStorage } from '@chatelaine/storage-sqlite'
import { byCallers, median, seconds } from './measure.ts'
import type { Figure, Report, Run } from './section.ts'

/** A million by `BENCH_RECORDS=1000000`. */
const records = Number(process.env['BENCH_RECORDS'] ?? 20_000)
const most = { queries: 9, rows: 299, ms: 5 }
const proofsOfAKind = 300

/** What a KMS asked of its storage in snapshots, since it was last forgotten. */
interface Asked {
  queries: number
  rows: number
}

/**
 * A log that was written by calls of the KMS itself, 256 at a time: each asks for a random byte, which is the cheapest
 * call that is recorded. A checkpoint is stored for every second that it takes.
 */
async function grow(kms: Kms): Promise<void> {
  await byCallers(256, records, async () => kms.generateRandom({ numberOfBytes: 1 }))
}

/** One kind of proof: asked for again and again, each time somewhere else. */
async function cost(name: string, asked: Asked, prove: (at: number) => Promise<unknown>): Promise<Figure[]> {
  const worst = { queries: 0, rows: 0 }
  const times = { main: [] as number[], wall: [] as number[] }
  for (let at = 0; at < proofsOfAKind; at++) {
    Object.assign(asked, { queries: 0, rows: 0 })
    const began = process.threadCpuUsage()
    const took = await seconds(async () => void (await prove(at)))
    const { user, system } = process.threadCpuUsage(began)
    worst.queries = Math.max(worst.queries, asked.queries)
    worst.rows = Math.max(worst.rows, asked.rows)
    // The first ones find nothing warm.
    if (at < proofsOfAKind / 10) continue
    times.main.push((user + system) / 1000)
    times.wall.push(took * 1000)
  }
  return [
    { name },
    shown('most queries', worst.queries, 'queries'),
    shown('most rows', worst.rows, 'rows'),
    shown('main thread, median', median(times.main), 'ms'),
    shown('main thread, p99', p99Of(times.main), 'ms'),
    { name: '  with the sync of its record, median', measured: `${median(times.wall).toFixed(2)} ms` },
    { name: '  with the sync of its record, p99', measured: `${p99Of(times.wall).toFixed(2)} ms` },
  ]
}

function p99Of(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.99)] as number
}

function shown(name: string, value: number, unit: keyof typeof most): Figure {
  const measured = `${value.toFixed(unit === 'ms' ? 2 : 0)} ${unit}`
  const ratio = { value: value / most[unit], of: `× ${most[unit]} ${unit}`, atMost: 1 }
  return { name: `  ${name}`, measured, ratio }
}

/** What a proof costs in a long log on SQLite: calls of the storage and rows in its snapshots, and the whole call's time. */
export async function proofs({ folder, seed }: Run): Promise<Report> {
  const asked: Asked = { queries: 0, rows: 0 }
  const storage = passThrough(sqliteStorage(path.join(folder, 'proofs.db')), ({ name }) => {
    if (name !== 'snapshot.get' && name !== 'snapshot.range') return undefined
    return ({ rows = 0 }) => {
      asked.queries += 1
      asked.rows += rows
    }
  })
  const kms = await createKms({ storage, rootKey: localRootKey(generateRootKey()), deadlineMs: 600_000 })
  const took = await seconds(async () => grow(kms))
  const { size } = await kms.audit.checkpoint()
  const old = await storedSizes(storage)
  const { verifierKey } = await kms.audit.verifierKey()
  const place = (at: number, below: number): number => (seed + at * 7919 * 7919) % below
  const sizeOf = (at: number): number => old[place(at, old.length)] as number
  const toOld = async (at: number): Promise<unknown> =>
    kms.audit.inclusionProof({ seq: place(at, sizeOf(at)), size: sizeOf(at) })
  const figures = [
    ...(await cost('inclusion, in the log as it is', asked, async (at) => checked(kms, verifierKey, place(at, size)))),
    ...(await cost(`inclusion, to one of ${old.length} checkpoints`, asked, toOld)),
    ...(await cost('consistency', asked, async (at) => kms.audit.consistencyProof({ from: 1 + place(at, size - 1) }))),
    ...(await cost('consistency, to a checkpoint', asked, async (at) =>
      kms.audit.consistencyProof({ from: 1 + place(at, sizeOf(at)), to: sizeOf(at) }),
    )),
  ]
  await kms.close()
  return { circumstances: ['SQLite', `${size} records, written in ${took.toFixed(0)} s`, `seed ${seed}`], figures }
}

async function checked(kms: Kms, key: string, seq: number): Promise<void> {
  const { proof, record } = await kms.audit.inclusionProof({ seq })
  if (!verifyProof({ proof, record: record ?? '', keys: [key] }).ok) throw new Error(`the proof of ${seq} is wrong`)
}

/** Sizes of the checkpoints that are stored. */
async function storedSizes(storage: ReturnType<typeof passThrough>): Promise<number[]> {
  const rows = await storage.snapshot(async (view) => view.range('checkpoints', { prefix: ['default'], limit: 1000 }))
  return rows.map((row) => row['size'] as number)
}
