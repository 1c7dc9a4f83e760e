import path from 'node:path'
import { createKms, generateRootKey, localRootKey, type Kms } from '@chatelaine/core'
import { sqliteStorage } from '@chatelaine/storage-sqlite'
import { median } from './measure.ts'
import type { Figure, Report, Run } from './section.ts'

const few = 1000
/** A million by `BENCH_KEYS=1000000`, which takes a quarter of an hour to make. */
const many = Number(process.env['BENCH_KEYS'] ?? 20_000)
const atOnce = 250
/** How many keys are used, and made, by a KMS that was just opened. */
const uses = 20

const rootKey = localRootKey(generateRootKey())

/** What costs the same, however many keys there are, in milliseconds of the processor. */
const costs = ['opening', 'a cold encrypt', 'keys.create'] as const
type Costs = Record<(typeof costs)[number], number[]>

async function fill(file: string, count: number): Promise<void> {
  const kms = await createKms({ storage: sqliteStorage(file), rootKey, deadlineMs: 600_000 })
  for (let made = 0; made < count; made += atOnce) {
    const create = async (at: number): Promise<unknown> => kms.keys.create({ name: `k${at}`, spec: 'AES_256' })
    await Promise.all(Array.from({ length: atOnce }, async (_, index) => create(made + index)))
  }
  await kms.close()
}

/** Time of the processor, which others do not take as they take time. */
function processorMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

async function timed<T>(work: () => Promise<T>, note: (ms: number) => void): Promise<T> {
  const began = processorMs()
  const result = await work()
  note(processorMs() - began)
  return result
}

async function round(file: string, { count, number }: { count: number; number: number }, into: Costs): Promise<void> {
  const open = async (): Promise<Kms> => createKms({ storage: sqliteStorage(file), rootKey })
  const kms = await timed(open, (ms) => into.opening.push(ms))
  const encrypt = async (): Promise<void> => {
    for (let use = 0; use < uses; use++) {
      await kms.encrypt({ key: `k${(number * 7919 + use * 104_729) % count}`, plaintext: 'x' })
    }
  }
  await timed(encrypt, (ms) => into['a cold encrypt'].push(ms / uses))
  const create = async (): Promise<void> => {
    for (let use = 0; use < uses; use++) await kms.keys.create({ name: `more-${number}-${use}`, spec: 'AES_256' })
  }
  await timed(create, (ms) => into['keys.create'].push(ms / uses))
  await kms.close()
}

/** Opening, a cold use and a new key, on two SQLite databases: one with few keys, and one with many. */
export async function scale(run: Run): Promise<Report> {
  const sizes = [few, many]
  const fileOf = (count: number): string => path.join(run.folder, `${count}.db`)
  for (const count of sizes) await fill(fileOf(count), count)
  const all = sizes.map((): Costs => ({ opening: [], 'a cold encrypt': [], 'keys.create': [] }))
  for (let number = 0; number <= run.rounds; number++) {
    for (const [at, count] of sizes.entries()) await round(fileOf(count), { count, number }, all[at] as Costs)
  }
  const figures = costs.map((name): Figure => {
    const [ofFew, ofMany] = all.map((one) => median(one[name].slice(1)))
    const value = (ofMany ?? NaN) / (ofFew ?? NaN)
    const of = `× that with ${few} keys`
    return { name, measured: `${(ofMany ?? NaN).toFixed(2).padStart(9)} ms`, ratio: { value, of, atMost: 2 } }
  })
  return { circumstances: [`${many} keys on SQLite, processor time, KMS opened anew in each round`], figures }
}
