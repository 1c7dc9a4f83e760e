import { tables } from '@chatelaine/core/storage'
import type { StorageAdapter } from '@chatelaine/core/storage'
import { createKms, generateRootKey, localRootKey } from '@chatelaine/core'
import { postgresStorage } from '@chatelaine/storage-postgres'
import { BareLedger, batch, newestRows, type Ready } from './bare-postgres.ts'
import { diskServer } from './disk-server.ts'
import { byCallers, median, seconds } from './measure.ts'
import { perSecond, type Report, type Run } from './section.ts'

/** Rows like those of a KMS, from a KMS. */
async function fill(url: string): Promise<void> {
  const storage = postgresStorage({ connectionString: url, schema: 'kms' })
  const kms = await createKms({ storage, rootKey: localRootKey(generateRootKey()) })
  const key = await kms.keys.create({ name: 'bench', spec: 'AES_256' })
  await byCallers(batch, 4 * batch, () => key.encrypt('x', { context: { table: 'customers' } }))
  await kms.close()
}

async function opened(url: string): Promise<StorageAdapter> {
  const storage = postgresStorage({ connectionString: url, schema: 'bare' })
  await storage.open(tables)
  await storage.migrate()
  for (const tenant of ['ours', 'bare']) await storage.transact(tenant, (tx) => tx.insert('locks', { tenant }))
  return storage
}

const byStorage = async (storage: StorageAdapter, { rows, head }: Ready): Promise<void> =>
  storage.transact('ours', async (tx) => {
    await tx.range('heads', { prefix: ['ours'], order: 'desc', limit: 1 })
    await tx.append('records', rows)
    await tx.insert('heads', head)
  })

/** What the storage costs on top of pg: the same transaction, with ready-made rows, by both. */
export async function postgresStorageOverhead({ folder, rounds, operations }: Run): Promise<Report> {
  const { server, circumstances } = await diskServer(folder)
  try {
    await fill(server.url)
    const storage = await opened(server.url)
    const bare = new BareLedger(server.url, 'bare', 'bare')
    const ours = new BareLedger(server.url, 'bare', 'ours')
    const rows = await newestRows(server.url)
    await Promise.all([bare.open(rows), ours.open(rows)])
    const count = Math.ceil(operations / batch)
    const timed = async (ledger: BareLedger, write: (one: Ready) => Promise<void>): Promise<number> => {
      const ready = ledger.ready(count)
      const took = await seconds(async () => {
        for (const one of ready) await write(one)
      })
      return (count * batch) / took
    }
    const rates = { bare: [] as number[], ours: [] as number[] }
    for (let round = 0; round <= rounds; round++) {
      const [left, right] = [
        await timed(bare, (one) => bare.write(one)),
        await timed(ours, (one) => byStorage(storage, one)),
      ]
      // The first round is not counted: everything is prepared and compiled in it.
      if (round === 0) continue
      rates.bare.push(left)
      rates.ours.push(right)
    }
    await Promise.all([bare.close(), ours.close(), storage.close()])
    const ratio = median(rates.ours) / median(rates.bare)
    const figures = [
      { name: `bare pg, ${batch} ready rows at a time`, measured: perSecond(median(rates.bare)) },
      {
        name: 'the same by the storage',
        measured: perSecond(median(rates.ours)),
        ratio: { value: ratio, of: '% of its rate' },
      },
    ]
    return { circumstances, figures }
  } finally {
    await server.remove()
  }
}
