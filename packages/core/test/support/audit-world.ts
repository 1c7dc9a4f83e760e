import {
  createKms,
  localRootKey,
  type AuditRecord,
  type Kms,
  type KmsErrorCode,
  type KmsOptions,
} from '../../src/index.ts'
import { isKmsError } from '../../src/index.ts'
import type { Row } from '../../src/storage/table.ts'
import { fakeClock, seededRandomness, type FakeClock } from '../../src/testing.ts'
import { Gate, Shelf, type Between } from './audit-storage.ts'

/** The root key of every world. */
export const rootKey = localRootKey(Buffer.from('0123456789abcdef0123456789abcdef', 'latin1'))

/** One storage with the instances that work on it, all in the time of the test. */
export class World {
  readonly shelf: Shelf
  readonly clock: FakeClock
  readonly gate: Gate = new Gate()
  #instances = 0

  constructor(shelf: Shelf = new Shelf(), clock: FakeClock = fakeClock()) {
    this.shelf = shelf
    this.clock = clock
  }

  /** Another instance, as another process would be: it shares nothing but the storage. */
  async open(options: Partial<KmsOptions> & { between?: Between } = {}): Promise<Kms> {
    const { between = this.gate.between, ...rest } = options
    const storage = this.shelf.adapter(between)
    this.#instances += 1
    const random = seededRandomness(`instance ${this.#instances}`)
    return createKms({ storage, rootKey, clock: this.clock, timers: this.clock, random, ...rest })
  }

  /** The whole chain, as its texts say it. */
  async chain(): Promise<AuditRecord[]> {
    return (await this.shelf.rows('records')).map((row) => parseRow(row))
  }

  /** Records of one action. */
  async recordsOf(action: string): Promise<AuditRecord[]> {
    return (await this.chain()).filter((record) => record.action === action)
  }
}

/** A record's text, with its hash. */
export function parseRow(row: Row): AuditRecord {
  const hash = Buffer.from(row['hash'] as Uint8Array).toString('hex')
  return { ...(JSON.parse(row['text'] as string) as AuditRecord), hash }
}

/** A world with one instance and a key called `orders`. */
export async function small(
  options: Partial<KmsOptions> & { between?: Between } = {},
): Promise<{ world: World; kms: Kms }> {
  const world = new World()
  const kms = await world.open(options)
  await kms.keys.create({ name: 'orders', spec: 'AES_256' })
  return { world, kms }
}

/** The code of what a promise fails with; `undefined` where it does not fail. Anything but a KmsError is thrown on. */
export async function codeOf(work: PromiseLike<unknown>): Promise<KmsErrorCode | undefined> {
  try {
    await work
    return undefined
  } catch (error) {
    if (isKmsError(error)) return error.code
    throw error
  }
}

/** Gives everything that is ready its turn until this holds. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let turns = 0; !(await holds()); turns++) {
    if (turns > 10_000) throw new Error('it does not come to hold')
    await new Promise((resolve) => void setImmediate(resolve))
  }
}

/** Lets promises and timers that are due run: enough turns for what hangs on nothing but memory. */
export async function settle(turns = 20): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => void setImmediate(resolve))
}

/** What has become of a promise so far. */
export interface Watched<T> {
  state: 'pending' | 'done' | 'failed'
  value?: T
  error?: unknown
}

/** Watches a promise without waiting for it. */
export function watch<T>(work: PromiseLike<T>): Watched<T> {
  const watched: Watched<T> = { state: 'pending' }
  work.then(
    (value) => Object.assign(watched, { state: 'done', value }),
    (error: unknown) => Object.assign(watched, { state: 'failed', error }),
  )
  return watched
}
