import type { SigningKey } from '../crypto/ed25519.ts'
import type { Clock, Timers } from '../internal/clock.ts'
import { limits } from '../internal/defaults.ts'
import { signCheckpoint } from './checkpoint.ts'
import type { BatchCompanion, LinkedBatch } from './companion.ts'
import type { Seen } from './head-guard.ts'
import type { Head } from './head.ts'
import type { HighWaterMark, Mark } from './high-water-mark.ts'
import { rootOfMark } from './mark-check.ts'
import { Frontier } from './merkle.ts'

/** The log as it is stored now, and the key that signs it there. */
export interface SignedLog {
  readonly head: Head
  readonly key: SigningKey
}

/** What a mark is kept with. */
export interface MarkKeeperParts {
  readonly mark: HighWaterMark
  readonly tenant: string
  readonly origin: string
  readonly clock: Clock
  readonly timers: Timers
  /** Looks at the log, which is compared with what was seen of it. @throws StorageUnavailableError and others */
  readonly look: () => Promise<SignedLog>
  /** Hears of a log that is longer than the one that was looked at. */
  readonly saw: (seen: Seen) => void
}

/** How a mark is kept. */
export interface MarkHealth {
  /** Whether the last attempt to advance it succeeded. */
  readonly ok: boolean
  /** How many records the log had when it was last advanced. */
  readonly size: number
  /** When it was last found taken away, or put back to an older one, since this process opened the tenant. */
  readonly lostAt: Date | undefined
}

/**
 * Advances a tenant's high-water mark: at most once a second, after batches that are durable, and when the tenant is
 * closed. No operation waits for it. What another process has remembered of a longer log counts as seen here.
 */
export class MarkKeeper implements BatchCompanion {
  readonly #parts: MarkKeeperParts
  /** How many records are known to be durable. */
  #size = 0
  #marked = 0
  #ok = true
  #lostAt: Date | undefined
  /** Nothing is remembered before what there is was compared, and accepted if need be. */
  #hasBegun = false
  #startedAt = -Infinity
  #stopTimer: (() => void) | undefined
  #running: Promise<void> | undefined

  constructor(parts: MarkKeeperParts) {
    this.#parts = parts
  }

  /** How it goes. */
  get health(): MarkHealth {
    return { ok: this.#ok, size: this.#marked, lostAt: this.#lostAt }
  }

  /** Nothing is written into the database. */
  async write(): Promise<void> {}

  committed({ head }: LinkedBatch): void {
    this.#size = head.size
    if (!this.#hasBegun || this.#stopTimer !== undefined || this.#running !== undefined) return
    const wait = this.#startedAt + limits.markIntervalMs - this.#parts.clock.monotonic()
    if (wait <= 0) this.#start()
    else this.#stopTimer = this.#parts.timers.after(wait, () => this.#start())
  }

  /** A checkpoint of the log as it is now. */
  async checkpoint(): Promise<string> {
    return this.#markOf(await this.#parts.look()).checkpoint
  }

  /** Begins to remember. @param accepted - what is replaced, however large it is. @throws what log and mark do */
  async begin(accepted?: Mark): Promise<void> {
    await this.#advance(accepted)
    this.#hasBegun = true
  }

  /** Remembers what was written last. */
  async close(): Promise<void> {
    await this.#running
    this.#stopTimer?.()
    this.#stopTimer = undefined
    if (this.#hasBegun && this.#size > this.#marked) await this.#advance().catch(() => undefined)
  }

  async #advance(accepted?: Mark): Promise<void> {
    const { mark, tenant, look, saw } = this.#parts
    try {
      const log = await look()
      await this.#lookForLoss()
      const kept = await mark.advance(tenant, this.#markOf(log), accepted)
      if (kept.size > log.head.size)
        saw({ ...kept, headHash: Buffer.from(kept.headHash, 'hex'), root: rootOfMark(kept) })
      this.#marked = kept.size
      this.#ok = true
    } catch (error) {
      this.#ok = false
      throw error
    }
  }

  /** What was remembered is never less than before, unless somebody has been at it. It is remembered anew all the same. */
  async #lookForLoss(): Promise<void> {
    const { mark, tenant, clock } = this.#parts
    if (this.#marked === 0) return
    const found = await mark.read(tenant)
    if ((found?.size ?? 0) < this.#marked) this.#lostAt = new Date(clock.now())
  }

  #start(): void {
    this.#stopTimer = undefined
    this.#startedAt = this.#parts.clock.monotonic()
    const size = this.#size
    this.#running = this.#advance()
      .catch(() => undefined)
      .finally(() => {
        this.#running = undefined
        // What was written meanwhile is for the next second.
        if (this.#size > size) this.#later()
      })
  }

  #later(): void {
    this.#stopTimer ??= this.#parts.timers.after(limits.markIntervalMs, () => this.#start())
  }

  #markOf({ head, key }: SignedLog): Mark {
    const { origin } = this.#parts
    const root = new Frontier(head.size, head.frontier).root()
    const checkpoint = signCheckpoint({ origin, size: head.size, root }, key)
    const { size, revision, epoch } = head
    return { size, revision, epoch, headHash: head.headHash.toString('hex'), checkpoint }
  }
}
