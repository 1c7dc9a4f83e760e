import { CheckpointWriter } from '../../src/audit/checkpoint-writer.ts'
import { Committer, type Batch } from '../../src/audit/committer.ts'
import type { Entry } from '../../src/audit/entry.ts'
import type { BatchCompanion } from '../../src/audit/companion.ts'
import { HeadGuard } from '../../src/audit/head-guard.ts'
import { HeadTrimmer } from '../../src/audit/head-trimmer.ts'
import { signingKey } from '../../src/crypto/ed25519.ts'
import { StateCache } from '../../src/state/cache.ts'
import { Alarm } from '../../src/state/tree/alarm.ts'
import { NodeCache } from '../../src/state/tree/node-cache.ts'
import { Trees } from '../../src/state/tree/trees.ts'
import type { Row } from '../../src/storage/table.ts'
import { fakeClock, seededRandomness, type FakeClock } from '../../src/testing.ts'
import { Log, macKey, origin, type LogPlan } from './audit-log.ts'
import type { Between } from './audit-storage.ts'

/** A committer on a log, with everything that hangs on it. */
export class Bench {
  readonly log: Log
  readonly clock: FakeClock = fakeClock()
  readonly cache: StateCache = new StateCache()
  readonly guard: HeadGuard = new HeadGuard('default', () => macKey)
  readonly between: Between = {}
  readonly checkpoints: CheckpointWriter
  readonly committer: Committer
  epoch = 1

  constructor(log: Log, plan: BenchPlan = {}) {
    const { revision = log.head.revision, companions = [], randomness = 'committer' } = plan
    this.log = log
    const { clock } = this
    const key = signingKey(Buffer.alloc(32, 1))
    this.checkpoints = new CheckpointWriter({ tenant: 'default', origin, keysAt: async () => [key], clock })
    this.committer = new Committer({
      trees: new Trees('default', new NodeCache(), new Alarm()),
      storage: log.shelf.adapter(this.between),
      tenant: 'default',
      cache: this.cache,
      guard: this.guard,
      clock,
      timers: clock,
      random: seededRandomness(randomness),
      companions: plan.isBare === true ? [] : [this.checkpoints, new HeadTrimmer(), ...companions],
      keyring: this.#keyring(),
    })
    this.cache.restart(revision)
  }

  static async on(plan: LogPlan, how?: BenchPlan): Promise<Bench> {
    return new Bench(await Log.of(plan), how)
  }

  /** Commits, as the ledger would. */
  async commit(entries: readonly Entry[], signal: AbortSignal = new AbortController().signal): Promise<Batch> {
    return this.committer.commit(entries, signal)
  }

  /** The stored records from a place on. */
  async records(from = 0): Promise<Row[]> {
    return (await this.log.shelf.rows('records')).slice(from)
  }

  #keyring(): { readonly epoch: number; headMacKey: () => typeof macKey } {
    const epoch = (): number => this.epoch
    return {
      get epoch() {
        return epoch()
      },
      headMacKey: () => macKey,
    }
  }
}

/** What else there is to say of a bench. */
export interface BenchPlan {
  /** Where its cache stands; where the log is, if nothing is said. */
  readonly revision?: number
  /** What is written with every batch, besides checkpoints. */
  readonly companions?: readonly BatchCompanion[]
  /** Whether nothing is written besides, not even checkpoints. */
  readonly isBare?: boolean
  /** Seed of its randomness, and so of its writer's name. */
  readonly randomness?: string
}
