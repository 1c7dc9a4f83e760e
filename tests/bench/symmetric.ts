import { createSecretKey, randomBytes } from 'node:crypto'
import path from 'node:path'
import { createKms, generateRootKey, localRootKey, type Kms } from '@chatelaine/core'
import { memoryStorage } from '@chatelaine/storage-memory'
import { sqliteStorage } from '@chatelaine/storage-sqlite'
import { systemRandomness } from '../../packages/core/src/crypto/randomness.ts'
import { encodeContext } from '../../packages/core/src/envelope/context.ts'
import { encodeHeader } from '../../packages/core/src/envelope/header.ts'
import { seal } from '../../packages/core/src/envelope/seal.ts'
import { derived } from '../../packages/core/src/envelope/suite.ts'
import { systemTimers } from '../../packages/core/src/internal/defaults.ts'
import type { Material } from '../../packages/core/src/stages.ts'
import { bareGcm, bareSeal } from './bare.ts'
import { rowWriter } from './bare-rows.ts'
import { byCallers, median, seconds } from './measure.ts'
import { micros, type Figure, type Report, type Run } from './section.ts'

const callers = 64
const plaintext = randomBytes(1024)
const context = { table: 'customers' }
const keyId = '26deba78-ec38-4228-b52d-fed03d2b52b0'

/** A name of something timed, and one run of it. */
type Work = Readonly<Record<'gcm' | 'steps' | 'seal' | 'memory' | 'sqlite' | 'rows', () => Promise<void> | void>>

async function open(storage: Parameters<typeof createKms>[0]['storage']): Promise<Kms> {
  const kms = await createKms({ storage, rootKey: localRootKey(generateRootKey()) })
  await kms.keys.ensure({ name: 'bench', spec: 'AES_256' })
  return kms
}

/** A KMS on SQLite that counts its commits. */
async function counting(file: string): Promise<{ readonly kms: Kms; readonly commits: () => number }> {
  const storage = sqliteStorage(file)
  const transact = storage.transact.bind(storage)
  let commits = 0
  storage.transact = async (...call) => {
    commits += 1
    return transact(...call)
  }
  return { kms: await open(storage), commits: () => commits }
}

const encryptBy = async (kms: Kms, operations: number): Promise<void> =>
  byCallers(callers, operations, async () => kms.encrypt({ key: 'bench', plaintext, context }))

/** The envelope alone: bare AES-GCM, the steps of a message in bare node:crypto, and ours. */
function envelopes(operations: number): Pick<Work, 'gcm' | 'steps' | 'seal'> {
  const encoded = encodeContext(context)
  const header = encodeHeader({ suite: derived, keyId, keyVersion: 1 })
  const gcm = bareGcm(plaintext, encoded.bytes)
  const steps = bareSeal(plaintext, header, encoded.bytes)
  const material = { keyId, keyVersion: 1, secret: createSecretKey(randomBytes(32)) } as Material
  const tools = { random: systemRandomness, timers: systemTimers }
  const loop = (work: () => unknown) => (): void => {
    for (let i = 0; i < operations; i++) work()
  }
  return {
    gcm: loop(gcm),
    steps: loop(steps),
    seal: async () => {
      for (let i = 0; i < operations; i++) await seal(material, { suite: derived, plaintext, context: encoded }, tools)
    },
  }
}

/** Symmetric encryption: the envelope, the audited verb in memory, and the durable one on SQLite. */
export async function symmetric(run: Run): Promise<Report> {
  const { operations, rounds, folder } = run
  const file = path.join(folder, 'bench.db')
  const { kms: sqlite, commits } = await counting(file)
  const memory = await open(memoryStorage())
  await encryptBy(memory, operations)
  await memory.close()
  await encryptBy(sqlite, operations)
  const rows = rowWriter(file, run)
  const bare = envelopes(operations)
  const times: Record<keyof Work, number[]> = { gcm: [], steps: [], seal: [], memory: [], sqlite: [], rows: [] }
  for (let round = 0; round < rounds; round++) {
    const fresh = await open(memoryStorage())
    const work: Work = {
      ...bare,
      memory: async () => encryptBy(fresh, operations),
      sqlite: async () => encryptBy(sqlite, operations),
      rows,
    }
    for (const [name, list] of Object.entries(times)) {
      list.push((await seconds(work[name as keyof Work])) / operations)
    }
    await fresh.close()
  }
  const records = (await sqlite.ops.health()).chain?.size ?? 0
  await sqlite.close()
  const figures = figuresOf((name) => median(times[name]), records / commits())
  return { circumstances: [`${callers} callers`, `database in ${folder}, synchronous=FULL`], figures }
}

function figuresOf(at: (name: keyof Work) => number, batch: number): readonly Figure[] {
  const [gcm, steps, sealed, memory, sqlite, rows] = (
    ['gcm', 'steps', 'seal', 'memory', 'sqlite', 'rows'] as const
  ).map(at) as [number, number, number, number, number, number]
  const sum = memory + rows
  return [
    { name: 'bare AES-256-GCM of 1 KiB', measured: micros(gcm) },
    { name: 'the steps of CM1 in node:crypto', measured: micros(steps) },
    { name: 'seal', measured: micros(sealed), ratio: { value: sealed / steps, of: '× its steps', atMost: 1.5 } },
    {
      name: 'audited encrypt on memory',
      measured: micros(memory),
      ratio: { value: memory / sealed, of: '× seal', atMost: 2.5 },
    },
    { name: '   against bare AES-256-GCM', ratio: { value: gcm / memory, of: 'of its rate, the aim is 0.25' } },
    { name: 'its rows by the driver alone', measured: micros(rows) },
    {
      name: 'audited encrypt on SQLite',
      measured: micros(sqlite),
      ratio: { value: sum / sqlite, of: '% of the rate of both added', atLeast: 0.5 },
    },
    { name: '   records per commit', ratio: { value: batch, of: 'records', atLeast: 16 } },
  ]
}
