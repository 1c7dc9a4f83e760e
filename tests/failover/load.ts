import { isKmsError, type Kms } from '@chatelaine/core'
import { allRecords } from '../support/outcomes.ts'

/** What callers were told, by the ids of their requests. */
export class Load {
  readonly acknowledged: string[] = []
  /** Codes of what failed, with how often. */
  readonly failed: Record<string, number> = {}
  #asked = 0
  #isOver = false
  readonly #kms: Kms
  readonly #name: string
  readonly #callers: Promise<void>[]

  constructor(kms: Kms, { name, callers }: { name: string; callers: number }) {
    this.#kms = kms
    this.#name = name
    this.#callers = Array.from({ length: callers }, async (_, index) => this.#call(index === 0))
  }

  /** Lets what is asked come to its end. */
  async end(): Promise<void> {
    this.#isOver = true
    await Promise.all(this.#callers)
  }

  /** One caller rotates, all others encrypt. */
  async #call(rotates: boolean): Promise<void> {
    while (!this.#isOver) {
      const requestId = `${this.#name}-${this.#asked++}`
      try {
        if (rotates) await this.#kms.keys.rotate({ key: 'orders' }, { requestId })
        else await this.#kms.encrypt({ key: 'orders', plaintext: 'x' }, { requestId })
        this.acknowledged.push(requestId)
      } catch (error) {
        const code = isKmsError(error) ? error.code : `threw ${String(error)}`
        this.failed[code] = (this.failed[code] ?? 0) + 1
        // A server that is not there refuses at once: no need to ask it without a pause.
        await new Promise((resolve) => void setTimeout(resolve, 5))
      }
    }
  }
}

/** What was acknowledged and is not on record exactly once. */
export async function lostOf(kms: Kms, acknowledged: readonly string[]): Promise<string[]> {
  const counts = new Map<string | undefined, number>()
  for (const { requestId } of await allRecords(kms)) counts.set(requestId, (counts.get(requestId) ?? 0) + 1)
  return acknowledged.filter((requestId) => counts.get(requestId) !== 1)
}
