import { wipeDeep } from './internal/bytes.ts'

/** Whoever asked has left before it was begun: it is not done, and not recorded, like what is left in the queue. */
export class NobodyWaits extends Error {}

/**
 * The request of a change. Its caller may leave while it is worked on inside the transaction, which may count all the
 * same: so it is wiped when both are done with it.
 */
export class HeldRequest<P> {
  readonly #request: P
  #working = 0
  #isLeft = false

  constructor(request: P) {
    this.#request = request
  }

  /** Works with it. @throws NobodyWaits where it was left before: there is nothing to work with any more. */
  async use<R>(work: (request: P) => Promise<R>): Promise<R> {
    if (this.#isLeft) throw new NobodyWaits()
    this.#working += 1
    try {
      return await work(this.#request)
    } finally {
      this.#working -= 1
      this.#wipeIfDone()
    }
  }

  /** Nobody waits for it any more. */
  leave(): void {
    this.#isLeft = true
    this.#wipeIfDone()
  }

  #wipeIfDone(): void {
    if (this.#isLeft && this.#working === 0) wipeDeep(this.#request)
  }
}
