import { Turns } from '@chatelaine/storage-sql'

interface Queue {
  readonly turns: Turns
  users: number
}

/** One queue for each tenant whose transactions run or wait. */
export class Tenants {
  readonly #queues = new Map<string, Queue>()
  readonly #patienceMs: number

  constructor(patienceMs: number) {
    this.#patienceMs = patienceMs
  }

  /**
   * Runs `use` when all that this tenant asked for before have ended.
   *
   * @throws `StorageFailure` when the signal aborts first or, where there is none, after a while.
   */
  async inTurn<T>(tenant: string, signal: AbortSignal | undefined, use: () => Promise<T>): Promise<T> {
    const queue = this.#enter(tenant)
    try {
      await queue.turns.take(queue.turns.isFree ? signal : (signal ?? AbortSignal.timeout(this.#patienceMs)))
      try {
        return await use()
      } finally {
        queue.turns.pass()
      }
    } finally {
      queue.users--
      if (queue.users === 0) this.#queues.delete(tenant)
    }
  }

  #enter(tenant: string): Queue {
    const queue = this.#queues.get(tenant) ?? { turns: new Turns(), users: 0 }
    this.#queues.set(tenant, queue)
    queue.users++
    return queue
  }
}
