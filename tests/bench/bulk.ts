import path from 'node:path'
import { createKms, generateRootKey, localRootKey, type Kms } from '@chatelaine/core'
import { memoryStorage } from '@chatelaine/storage-memory'
import { sqliteStorage } from '@chatelaine/storage-sqlite'
import { median, seconds } from './measure.ts'
import { micros, type Figure, type Report, type Run } from './section.ts'

const values = 100
const plaintexts = Array.from({ length: values }, (_, at) => `DE89 3704 0044 0532 ${String(at).padStart(4, '0')}`)

/** Ways to encrypt the same values, and seconds that each took. */
const ways = {
  many: async (kms: Kms) =>
    kms.encryptMany({ items: plaintexts.map((plaintext) => ({ key: 'bench', plaintext, context: { table: 'a' } })) }),
  sequential: async (kms: Kms) => {
    for (const plaintext of plaintexts) await kms.encrypt({ key: 'bench', plaintext, context: { table: 'a' } })
  },
  concurrent: async (kms: Kms) =>
    Promise.all(plaintexts.map(async (plaintext) => kms.encrypt({ key: 'bench', plaintext, context: { table: 'a' } }))),
}
type Way = keyof typeof ways

/** Medians over rounds in which each way has its turn, so that none has a quieter machine than the others. */
async function timed(kms: Kms, { rounds, operations }: Run): Promise<Record<Way, number>> {
  const names = Object.keys(ways) as Way[]
  const times: Record<Way, number[]> = { many: [], sequential: [], concurrent: [] }
  const turns = Math.max(1, Math.round(operations / values / 10))
  for (const name of names) await ways[name](kms)
  for (let round = 0; round < rounds; round++) {
    for (const name of names) {
      const took = await seconds(async () => {
        for (let turn = 0; turn < turns; turn++) await ways[name](kms)
      })
      times[name].push(took / turns)
    }
  }
  return { many: median(times.many), sequential: median(times.sequential), concurrent: median(times.concurrent) }
}

async function figuresOf(storage: string, kms: Kms, run: Run): Promise<Figure[]> {
  await kms.keys.ensure({ name: 'bench', spec: 'AES_256' })
  const { many, sequential, concurrent } = await timed(kms, run)
  await kms.close()
  return [
    { name: `${storage}: ${values} × encrypt, in turn`, measured: micros(sequential) },
    { name: `   ${values} × encrypt, at once`, measured: micros(concurrent) },
    {
      name: `   encryptMany of ${values}`,
      measured: micros(many),
      ratio: { value: sequential / many, of: '× the rate in turn', atLeast: 5 },
    },
    { name: '', ratio: { value: many / concurrent, of: '× the time at once', atMost: 0.6 } },
  ]
}

/** Many short values in one call, against as many calls. */
export async function bulk(run: Run): Promise<Report> {
  const rootKey = localRootKey(generateRootKey())
  const memory = await createKms({ storage: memoryStorage(), rootKey })
  const sqlite = await createKms({ storage: sqliteStorage(path.join(run.folder, 'bulk.db')), rootKey })
  const figures = [...(await figuresOf('memory', memory, run)), ...(await figuresOf('SQLite', sqlite, run))]
  return { circumstances: [`${values} values of 24 bytes`, 'one context pair'], figures }
}
