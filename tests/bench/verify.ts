import { hash } from 'node:crypto'
import path from 'node:path'
import { createKms, generateRootKey, localRootKey, type Kms } from '@chatelaine/core'
import type { StorageAdapter } from '@chatelaine/core/storage'
import { memoryStorage } from '@chatelaine/storage-memory'
import { sqliteStorage } from '@chatelaine/storage-sqlite'
import Database from 'better-sqlite3'
import { byCallers, median } from './measure.ts'
import { perSecond, type Figure, type Report, type Run } from './section.ts'

const pageRows = 1000
const atLeast = 0.4

/** What cannot be avoided: reads all records of a file with the driver alone, all columns, and hashes their texts. */
function bareLoops(file: string): Record<'oneLoop' | 'pages', () => number> {
  const db = new Database(file, { readonly: true })
  const all = db.prepare("select * from chatelaine_records where tenant = 'default' order by seq")
  const page = db.prepare("select * from chatelaine_records where tenant = 'default' and seq > ? order by seq limit ?")
  const hashed = (rows: Iterable<unknown>): number => {
    let count = 0
    for (const row of rows) if (hash('sha256', (row as { readonly text: string }).text) !== '') count += 1
    return count
  }
  const pages = (): number => {
    for (let last = -1; ;) {
      const rows = page.all(last, pageRows)
      last += hashed(rows)
      if (rows.length < pageRows) return last + 1
    }
  }
  return { oneLoop: () => hashed(all.iterate()), pages }
}

/** Time of the main thread in seconds: what others take of the machine is not in it. */
function processorSeconds(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1e6
}

async function rateOf(work: () => Promise<number> | number): Promise<number> {
  const began = processorSeconds()
  const records = await work()
  return records / (processorSeconds() - began)
}

/** A log of encryptions and decryptions with contexts, and a change for every hundred. */
async function fill(kms: Kms, operations: number): Promise<void> {
  await kms.keys.ensure({ name: 'k', spec: 'AES_256' })
  let count = 0
  await byCallers(64, Math.ceil(operations / 2), async () => {
    const context = { user: `user ${count++ % 1000}` }
    if (count % 50 === 0) await kms.keys.update({ key: 'k', description: `version ${count} of the words` })
    const { ciphertext } = await kms.encrypt({ key: 'k', plaintext: 'x', context })
    await kms.decrypt({ ciphertext, context })
  })
}

async function verified(kms: Kms): Promise<number> {
  const found = await kms.audit.verify()
  if (!found.ok) throw new Error(`the log does not verify: ${found.problem.kind} at ${found.problem.seq}`)
  return found.records
}

async function open(storage: StorageAdapter, operations: number): Promise<Kms> {
  const kms = await createKms({ storage, rootKey: localRootKey(generateRootKey()), deadlineMs: 600_000 })
  await fill(kms, operations)
  return kms
}

/** `audit.verify` against reading the same rows and hashing their texts, by turns. */
export async function verify({ folder, rounds, operations }: Run): Promise<Report> {
  const file = path.join(folder, 'verify.db')
  const onDisk = await open(sqliteStorage(file), operations)
  const inMemory = await open(memoryStorage(), operations)
  const bare = bareLoops(file)
  const works = {
    oneLoop: bare.oneLoop,
    pages: bare.pages,
    sqlite: async () => verified(onDisk),
    memory: async () => verified(inMemory),
  }
  const measured = await byTurns(works, rounds)
  await onDisk.close()
  await inMemory.close()
  const ratio = { value: median(measured.ratios), of: '% of one loop', atLeast }
  const figures: Figure[] = [
    { name: 'reading and hashing in one loop', measured: perSecond(median(measured.oneLoop)) },
    { name: 'the same in pages of 1,000', measured: perSecond(median(measured.pages)) },
    { name: 'audit.verify, SQLite', measured: perSecond(median(measured.sqlite)), ratio },
    { name: 'audit.verify, memory', measured: perSecond(median(measured.memory)) },
  ]
  return { circumstances: ['SQLite and memory', 'records a second of the main thread'], figures }
}

type Works = Record<'oneLoop' | 'pages' | 'sqlite' | 'memory', () => Promise<number> | number>

/** Rates of everything, and the ratio of each round; the first round is not counted. */
async function byTurns(works: Works, rounds: number): Promise<Record<keyof Works | 'ratios', number[]>> {
  const rates = { oneLoop: [] as number[], pages: [] as number[], sqlite: [] as number[], memory: [] as number[] }
  for (let round = 0; round <= rounds; round++) {
    for (const name of ['oneLoop', 'sqlite', 'pages', 'memory'] as const) rates[name].push(await rateOf(works[name]))
  }
  const counted = (name: keyof Works): number[] => rates[name].slice(1)
  const ratios = counted('sqlite').map((rate, round) => rate / (counted('oneLoop')[round] as number))
  const [oneLoop, pages, sqlite, memory] = [counted('oneLoop'), counted('pages'), counted('sqlite'), counted('memory')]
  return { oneLoop, pages, sqlite, memory, ratios }
}
