import { tables } from '@chatelaine/core/storage'
import { storageFailureOf } from '@chatelaine/core/storage'
import { sqliteStorage } from '../../src/index.ts'

// Opens a file and writes to it, as somebody to whom permissions apply: root is let through all of them.
const storage = sqliteStorage({ filename: process.argv[2] ?? '', lockTimeoutMs: 500 })
const row = { tenant: 'default', size: 7, note: 'written', createdAt: 0 }
async function write(): Promise<void> {
  await storage.open(tables)
  await storage.migrate()
  await storage.transact('default', (tx) => tx.insert('checkpoints', row))
}
// The driver is loaded by the first opening, and what it is loaded from may be for root alone.
await import('better-sqlite3')
process.stdout.write('ready\n')
if (process.getuid?.() === 0) process.setuid?.(65534)
const failure = await write().then(
  () => undefined,
  (error: unknown) => storageFailureOf(error) ?? { message: String(error), transient: 'unknown' },
)
await storage.close()
const { message, transient } = failure ?? { message: 'written', transient: false }
process.stdout.write(`${JSON.stringify({ message, transient })}\n`)
