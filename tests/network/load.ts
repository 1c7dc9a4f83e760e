import type { Kms } from '@chatelaine/core'
import { Desk } from '../processes/caller.ts'
import type { Seen } from '../processes/plan.ts'

/** Many callers on one KMS. */
export class Load {
  readonly #desk: Desk
  readonly #random: () => number
  #isOn = true
  #callers: Promise<unknown> = Promise.resolve()

  constructor(kms: Kms, { name, grants, random }: { name: string; grants: readonly string[]; random: () => number }) {
    this.#desk = new Desk(kms, name, { grants })
    this.#random = random
  }

  /** What was asked, and has settled. */
  get seen(): readonly Seen[] {
    return this.#desk.seen
  }

  start(callers: number): void {
    this.#callers = Promise.all(Array.from({ length: callers }, async () => this.#call()))
  }

  /** How long it takes, in milliseconds, until something succeeds that is asked from now on by one more caller. */
  async nextSuccess(): Promise<number> {
    const since = performance.now()
    while (this.#isOn) {
      const { code } = await this.#desk.ask(this.#desk.next(this.#random))
      // A refusal that is on record is as good as a result: the house is in order.
      if (code === undefined || !['AUDIT_UNAVAILABLE', 'STORAGE_UNAVAILABLE'].includes(code)) break
    }
    return performance.now() - since
  }

  /** Asks nothing more. Resolves when everything has settled. */
  async stop(): Promise<void> {
    this.#isOn = false
    await this.#callers
  }

  async #call(): Promise<void> {
    while (this.#isOn) await this.#desk.ask(this.#desk.next(this.#random))
  }
}
