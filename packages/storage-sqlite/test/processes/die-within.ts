import { tables } from '@chatelaine/core/storage'
import { sqliteStorage } from '../../src/index.ts'

// Commits one row, writes so much in a second transaction that SQLite cannot keep it in memory, and waits for death.
const storage = sqliteStorage(process.argv[2] ?? '')
await storage.open(tables)
await storage.migrate()
const checkpoint = (size: number, note: string): Record<string, string | number> => ({
  tenant: 'default',
  size,
  note,
  createdAt: 0,
})
await storage.transact('default', (tx) => tx.insert('checkpoints', checkpoint(1, 'committed')))
await storage.transact('default', async (tx) => {
  const rows = Array.from({ length: 300 }, (_, at) => checkpoint(at + 2, 'x'.repeat(100_000)))
  await tx.append('checkpoints', rows)
  process.stdout.write('within\n')
  await new Promise(() => setInterval(() => {}, 1000))
})
