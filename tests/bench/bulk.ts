import path from 'node:path'
import { createKms, generateRootKey, localRootKey, type EncryptRequest, type Kms } from '@chatelaine/core'
import { memoryStorage } from '@chatelaine/storage-memory'
import { sqliteStorage } from '@chatelaine/storage-sqlite'
import { median, seconds } from './measure.ts'
import { micros, type Figure, type Report, type Run } from './section.ts'

const values = 100
/** What takes milliseconds is measured over many turns, so that no work of the collector weighs on one way alone. */
const fewestTurns = 50
const key = 'bench'

/** What people encrypt many of: a column, all under one context, or each bound to its row. */
const columns = {
  'one context': (): EncryptRequest[] => valuesWith(() => ({ table: 'customers' })),
  'a context per row': (): EncryptRequest[] => valuesWith((at) => ({ table: 'customers', row: String(at) })),
}

function valuesWith(contextOf: (at: number) => Record<string, string>): EncryptRequest[] {
  return Array.from({ length: values }, (_, at) => ({
    key,
    plaintext: `DE89 3704 0044 0532 ${String(at).padStart(4, '0')}`,
    context: contextOf(at),
  }))
}

/** Ways to encrypt the same values. Each fails where one of them does. */
const ways = {
  many: async (kms: Kms, items: EncryptRequest[]) => {
    const { items: outcomes } = await kms.encryptMany({ items })
    if (!outcomes.every(({ ok }) => ok)) throw new Error('not every value was encrypted')
  },
  sequential: async (kms: Kms, items: EncryptRequest[]) => {
    for (const item of items) await kms.encrypt(item)
  },
  concurrent: async (kms: Kms, items: EncryptRequest[]) => {
    await Promise.all(items.map(async (item) => kms.encrypt(item)))
  },
}
type Way = keyof typeof ways
const names = Object.keys(ways) as Way[]

/** Medians over rounds in which each way has its turn, so that none has a quieter machine than the others. */
async function timed(kms: Kms, items: EncryptRequest[], { rounds, operations }: Run): Promise<Record<Way, number>> {
  const times: Record<Way, number[]> = { many: [], sequential: [], concurrent: [] }
  const turns = Math.max(fewestTurns, Math.round(operations / values / 10))
  for (let round = 0; round <= rounds; round++) {
    for (const name of names) {
      const took = await seconds(async () => {
        for (let turn = 0; turn < turns; turn++) await ways[name](kms, items)
      })
      if (round > 0) times[name].push(took / turns)
    }
  }
  return { many: median(times.many), sequential: median(times.sequential), concurrent: median(times.concurrent) }
}

/** All of it once without being counted: the compiler takes its time over what it meets first, whatever that is. */
async function warmUp(run: Run): Promise<void> {
  const kms = await createKms({ storage: memoryStorage(), rootKey: localRootKey(generateRootKey()) })
  await kms.keys.create({ name: key, spec: 'AES_256' })
  for (const itemsOf of Object.values(columns)) await timed(kms, itemsOf(), { ...run, rounds: 5, operations: 50_000 })
  await kms.close()
}

async function figuresOf(storage: string, kms: Kms, run: Run): Promise<Figure[]> {
  await kms.keys.create({ name: key, spec: 'AES_256' })
  const figures: Figure[] = []
  for (const [column, itemsOf] of Object.entries(columns)) {
    const { many, sequential, concurrent } = await timed(kms, itemsOf(), run)
    figures.push(
      { name: `${storage}, ${column}: in turn`, measured: micros(sequential) },
      { name: '   at once', measured: micros(concurrent) },
      {
        name: '   encryptMany',
        measured: micros(many),
        ratio: { value: sequential / many, of: '× the rate in turn', atLeast: 5 },
      },
      { name: '', ratio: { value: many / concurrent, of: '× the time at once', atMost: 0.6 } },
    )
  }
  await kms.close()
  return figures
}

/** Many short values in one call, against as many calls. */
export async function bulk(run: Run): Promise<Report> {
  await warmUp(run)
  const rootKey = localRootKey(generateRootKey())
  const memory = await createKms({ storage: memoryStorage(), rootKey })
  const sqlite = await createKms({ storage: sqliteStorage(path.join(run.folder, 'bulk.db')), rootKey })
  const figures = [...(await figuresOf('memory', memory, run)), ...(await figuresOf('SQLite', sqlite, run))]
  return { circumstances: [`${values} values of 24 bytes`], figures }
}
