// One process of the PostgreSQL section: many callers on a KMS of its own, with the options that it has by default.
// Its parent tells it how many operations to do, or for how long, and hears how many it did in what time.
import { randomBytes } from 'node:crypto'
import { createKms, localRootKey } from '@chatelaine/core'
import { postgresStorage } from '@chatelaine/storage-postgres'
import { byCallers } from './measure.ts'

/** What a process is told. */
export type Order = { readonly operations: number } | { readonly seconds: number } | 'end'

/** What it did. */
export interface Done {
  readonly operations: number
  readonly seconds: number
}

const [url = '', schema = '', rootKey = '', callers = ''] = process.argv.slice(2)
const storage = postgresStorage({ connectionString: url, schema })
const kms = await createKms({ storage, rootKey: localRootKey(rootKey) })
await kms.keys.ensure({ name: 'bench', spec: 'AES_256' })
const plaintext = randomBytes(1024)
const context = { table: 'customers' }

async function work(order: Exclude<Order, 'end'>): Promise<Done> {
  const started = performance.now()
  const since = (): number => (performance.now() - started) / 1000
  let operations = 0
  let answered = 0
  const encrypt = async (): Promise<void> => {
    await kms.encrypt({ key: 'bench', plaintext, context })
    operations += 1
    answered = since()
  }
  if ('operations' in order) await byCallers(Number(callers), order.operations, encrypt)
  else {
    const caller = async (): Promise<void> => {
      while (since() < order.seconds) await encrypt()
    }
    await Promise.all(Array.from({ length: Number(callers) }, caller))
  }
  return { operations, seconds: answered }
}

async function obey(order: Order): Promise<void> {
  if (order !== 'end') return void process.send?.(await work(order))
  await kms.close()
  process.disconnect()
}

// What goes wrong ends the process, and its parent says so.
process.on('message', (order: Order) => void obey(order))
process.send?.('ready')
