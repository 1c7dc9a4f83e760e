import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { generateRootKey } from '@chatelaine/core'
import { tables } from '@chatelaine/core/storage'
import { postgresStorage } from '@chatelaine/storage-postgres'
import { BareLedger, batch, newestRows } from './bare-postgres.ts'
import { diskServer } from './disk-server.ts'
import { median, seconds } from './measure.ts'
import type { Done, Order } from './postgres-process.ts'
import { perSecond, type Figure, type Report, type Run } from './section.ts'

const callers = 64

/** What one round showed: rates a second, and the lesser share of two processes. */
interface Round {
  readonly bare: number
  readonly one: number
  readonly two: number
  readonly share: number
}

/** A process with a KMS of its own. */
class Worker {
  readonly #child: ChildProcess

  private constructor(child: ChildProcess) {
    this.#child = child
  }

  static async start(url: string, rootKey: string): Promise<Worker> {
    const program = path.join(import.meta.dirname, 'postgres-process.ts')
    const worker = new Worker(fork(program, [url, 'kms', rootKey, String(callers)]))
    await worker.#answer()
    return worker
  }

  async tell(order: Exclude<Order, 'end'>): Promise<Done> {
    this.#child.send(order)
    return (await this.#answer()) as Done
  }

  async end(): Promise<void> {
    const exited = once(this.#child, 'exit')
    this.#child.send('end' satisfies Order)
    await exited
  }

  /** What it says next. */
  async #answer(): Promise<unknown> {
    const done = new AbortController()
    const { signal } = done
    const died = once(this.#child, 'exit', { signal }).then(([code]) => {
      throw new Error(`a process of the benchmark ended with ${String(code)}`)
    })
    try {
      const [message] = (await Promise.race([once(this.#child, 'message', { signal }), died])) as [unknown]
      return message
    } finally {
      done.abort()
      await died.catch(() => undefined)
    }
  }
}

/** Tables like those of the KMS, for the bare driver. */
async function bareLedger(url: string): Promise<BareLedger> {
  const storage = postgresStorage({ connectionString: url, schema: 'bare' })
  await storage.open(tables)
  await storage.migrate()
  await storage.transact('bare', (tx) => tx.insert('locks', { tenant: 'bare' }))
  await storage.close()
  const bare = new BareLedger(url, 'bare', 'bare')
  await bare.open(await newestRows(url))
  return bare
}

async function byBare(bare: BareLedger, operations: number): Promise<number> {
  const ready = bare.ready(Math.ceil(operations / batch))
  const took = await seconds(async () => {
    for (const one of ready) await bare.write(one)
  })
  return (ready.length * batch) / took
}

/** Both processes for as long as one of them took alone, which the second half of the rounds lets be the other one. */
async function round(bare: BareLedger, [one, other]: readonly [Worker, Worker], operations: number): Promise<Round> {
  const rate = await byBare(bare, operations)
  const alone = await one.tell({ operations })
  const both = await Promise.all([one, other].map((worker) => worker.tell({ seconds: alone.seconds })))
  const sum = both.reduce((total, done) => total + done.operations, 0)
  return {
    bare: rate,
    one: alone.operations / alone.seconds,
    two: sum / Math.max(...both.map((done) => done.seconds)),
    share: Math.min(...both.map((done) => done.operations)) / sum,
  }
}

/** Durable audited encryption on PostgreSQL, by one process and by two, against its transaction by the bare driver. */
export async function postgres({ folder, rounds, operations }: Run): Promise<Report> {
  const { server, circumstances } = await diskServer(folder)
  try {
    const rootKey = generateRootKey()
    const first = await Worker.start(server.url, rootKey)
    const second = await Worker.start(server.url, rootKey)
    for (const worker of [first, second]) await worker.tell({ operations })
    const bare = await bareLedger(server.url)
    await byBare(bare, operations)
    const seen: Round[] = []
    for (let at = 0; at < rounds; at++) {
      seen.push(await round(bare, at % 2 === 0 ? [first, second] : [second, first], operations))
    }
    await Promise.all([first.end(), second.end(), bare.close()])
    return { circumstances: [`${callers} callers in each process`, ...circumstances], figures: figuresOf(seen) }
  } finally {
    await server.remove()
  }
}

function figuresOf(seen: readonly Round[]): readonly Figure[] {
  const of = (value: (one: Round) => number): number => median(seen.map(value))
  const spread = (value: (one: Round) => number): string => {
    const all = seen.map((one) => 100 * value(one))
    return `${Math.min(...all).toFixed(0)} to ${Math.max(...all).toFixed(0)}`
  }
  const toBare = (one: Round): number => one.one / one.bare
  const toOne = (one: Round): number => one.two / one.one
  const share = (one: Round): number => one.share
  return [
    { name: `bare pg, ${batch} ready rows at a time`, measured: perSecond(of(({ bare }) => bare)) },
    {
      name: 'audited encrypt, one process',
      measured: perSecond(of(({ one }) => one)),
      ratio: { value: of(toBare), of: `% of bare pg, ${spread(toBare)}`, atLeast: 0.4 },
    },
    {
      name: 'audited encrypt, two processes',
      measured: perSecond(of(({ two }) => two)),
      ratio: { value: of(toOne), of: `% of one, ${spread(toOne)}`, atLeast: 0.8 },
    },
    { name: '   the lesser share', ratio: { value: of(share), of: `% of the sum, ${spread(share)}`, atLeast: 0.3 } },
  ]
}
