import { health, type Health } from '../operations/health.ts'
import type { CallOptions } from '../call.ts'
import type { Run } from './run.ts'

/** What operators look at: `kms.ops`. */
export class Ops {
  readonly #run: Run

  /** @internal */
  constructor(run: Run) {
    this.#run = run
  }

  /** How the KMS is. Answers, with `recorded: false`, even where that cannot be recorded or nothing can be read. */
  async health(options?: CallOptions): Promise<Health> {
    return this.#run(health, {}, options)
  }
}
