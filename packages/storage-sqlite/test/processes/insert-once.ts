import { tables } from '@chatelaine/core/storage'
import { sqliteStorage } from '../../src/index.ts'

// Waits for a word, then opens, migrates and inserts one row.
process.stdout.write('ready\n')
await new Promise((resolve) => process.stdin.once('data', resolve))
const storage = sqliteStorage(process.argv[2] ?? '')
await storage.open(tables)
await storage.migrate()
const row = { tenant: 'default', size: process.pid, note: 'inserted once', createdAt: 0 }
await storage.transact('default', (tx) => tx.insert('checkpoints', row))
await storage.close()
process.exit()
