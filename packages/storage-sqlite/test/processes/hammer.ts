import { tables } from '@chatelaine/core/storage'
import type { Row } from '@chatelaine/core/storage'
import { sqliteStorage } from '../../src/index.ts'

// Counts one row up, in one transaction after the other, for as long as it is told. Says how often it succeeded, and
// how long the longest wait was.
const [filename = '', forMs = '0'] = process.argv.slice(2)
const storage = sqliteStorage(filename)
await storage.open(tables)
await storage.migrate()
process.stdout.write('ready\n')
await new Promise((resolve) => process.stdin.once('data', resolve))

const checkpoint = (size: number): Row => ({ tenant: 'default', size, note: process.argv[1] ?? '', createdAt: 0 })
const until = performance.now() + Number(forMs)
let count = 0
let longestMs = 0
for (let before = performance.now(); before < until; before = performance.now()) {
  await storage.transact('default', async (tx) => {
    const [last] = await tx.range('checkpoints', { prefix: ['default'], order: 'desc', limit: 1 })
    await tx.insert('checkpoints', checkpoint(Number(last?.['size'] ?? -1) + 1))
  })
  longestMs = Math.max(longestMs, performance.now() - before)
  count++
}
await storage.close()
process.stdout.write(`${JSON.stringify({ count, longestMs })}\n`)
process.exit()
