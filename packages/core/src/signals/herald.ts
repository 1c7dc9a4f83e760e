import type { BatchCompanion, LinkedBatch } from '../audit/companion.ts'
import type { RecordDraft } from '../audit/record.ts'
import { isKmsError, type KmsError } from '../errors.ts'
import type { Clock, Timers } from '../internal/clock.ts'
import { limits } from '../internal/defaults.ts'
import type { KmsEvents, KmsEventType, RecordEvent } from './event.ts'
import type { Logger, LogLevel } from './logger.ts'
import { eventOf, headlineOf, type Headline } from './news.ts'

/** What a herald works with. */
export interface HeraldParts {
  readonly tenant: string
  readonly clock: Clock
  readonly timers: Timers
  readonly logger: Logger | undefined
}

/** What became of what was to be told. */
export interface SignalCounts {
  /** How many calls of listeners and of the logger failed. */
  readonly failed: number
  /** How many events and lines were dropped because too many waited. */
  readonly dropped: number
  /** When one failed or was dropped last. */
  readonly lastFailureAt: Date | undefined
}

type Told = readonly [type: KmsEventType, event: KmsEvents[KmsEventType]]
type Listener = (event: never) => unknown

/** How many waiting pieces of news are told before others get a turn. */
const toldPerTurn = 256

const absent = Object.freeze({
  code: undefined,
  reason: undefined,
  keyId: undefined,
  keyVersion: undefined,
  owner: undefined,
  requestId: undefined,
  counts: undefined,
})

/**
 * Tells listeners and the logger what happened, after it is durable and in a later turn of the event loop. Nothing that
 * they do comes back: what they throw is counted, what they return is not waited for, and when too much waits to be
 * told, the rest is dropped and counted.
 */
export class Herald implements BatchCompanion {
  readonly #parts: HeraldParts
  readonly #listeners = new Map<KmsEventType, Set<Listener>>()
  readonly #closers: (() => void)[] = []
  #waiting: (() => void)[] = []
  #isTelling = false
  #failed = 0
  #dropped = 0
  #lastFailureAt: Date | undefined

  constructor(parts: HeraldParts) {
    this.#parts = parts
  }

  /** What failed and what was dropped since this process opened the tenant. */
  get counts(): SignalCounts {
    return { failed: this.#failed, dropped: this.#dropped, lastFailureAt: this.#lastFailureAt }
  }

  /** Calls back for every event of a type. Returns how to stop. */
  on(type: KmsEventType, listener: Listener): () => void {
    const registered: Listener = (event) => listener(event)
    const listeners = this.#listeners.get(type) ?? new Set()
    this.#listeners.set(type, listeners.add(registered))
    return () => void listeners.delete(registered)
  }

  /** The tenant is open. */
  opened(size: number): void {
    this.#tell('info', 'opened', { tenant: this.#parts.tenant, records: size })
  }

  /** Writes nothing: only what is durable is told. */
  async write(): Promise<void> {}

  committed({ chain }: LinkedBatch): void {
    if (!this.#isHeard()) return
    chain.drafts.forEach((draft, index) => {
      const { durationMs, isChange } = chain.measures[index] as (typeof chain.measures)[number]
      const own: RecordDraft = { ...absent, ...draft }
      const headline = headlineOf(own, isChange)
      if (this.#wants(headline)) this.#record(headline, eventOf(own, chain.rows[index] as never, durationMs))
    })
  }

  /** An operation ended with an error, recorded or not: tells of what no record tells. */
  sawError(error: unknown, action: string): void {
    if (!isKmsError(error)) return
    const { code } = error
    if (code === 'STORAGE_TAMPERED' || code === 'ROLLBACK_DETECTED') this.tampering(error, action)
    else if (code === 'AUDIT_UNAVAILABLE' || code === 'AUDIT_OVERLOADED') this.#unrecorded(error, action)
  }

  /** An operation was refused before it began: there is no record of it. */
  sawRefusal(error: unknown, action: string): void {
    if (isKmsError(error)) this.#unrecorded(error, action)
  }

  /** What is stored does not verify. */
  tampering(found: { readonly code: string; readonly message: string }, action: string): void {
    const { tenant, clock } = this.#parts
    const { code, message } = found
    const event = Object.freeze({ tenant, at: new Date(clock.now()), code, message, action })
    this.#tell('error', 'tampering noticed', event)
    this.#announce([['tampering', event]])
  }

  /** Tells what still waits, and nothing more afterwards. */
  close(): void {
    while (this.#waiting.length > 0) this.#tellSome()
    this.#listeners.clear()
    for (const closed of this.#closers) this.guarded(closed)
    if (this.#isLogged('info')) this.#log('info', 'closed', { tenant: this.#parts.tenant })
  }

  /** Calls back when this is closed. */
  onClose(closed: () => void): void {
    this.#closers.push(closed)
  }

  /** Calls something foreign. Whatever it does, no operation hears of it. */
  guarded<T>(call: () => T): T | undefined {
    try {
      const returned = call()
      if (typeof returned === 'object' && returned !== null) Promise.resolve(returned).catch(() => this.#fails())
      return returned
    } catch {
      this.#fails()
      return undefined
    }
  }

  #fails(): void {
    this.#failed += 1
    this.#lastFailureAt = new Date(this.#parts.clock.now())
  }

  #unrecorded({ code, message }: KmsError, action: string): void {
    this.#tell('warn', 'not recorded, so not done', { tenant: this.#parts.tenant, code, message, action })
  }

  #record(headline: Headline, event: RecordEvent): void {
    this.#tell(headline.level, headline.message, event)
    const told: Told[] = [['record', event]]
    if (headline.type !== undefined) told.push([headline.type, event])
    this.#announce(told)
  }

  #announce(told: readonly Told[]): void {
    for (const [type, event] of told) {
      for (const listener of this.#listeners.get(type) ?? []) this.#later(() => this.#call(listener, event))
    }
  }

  #tell(level: LogLevel, message: string, fields: object): void {
    if (this.#isLogged(level)) this.#later(() => this.#log(level, message, fields))
  }

  /** The fields are below one name, so that they never meet those of the application. */
  #log(level: LogLevel, message: string, kms: object): void {
    this.guarded(() => this.#parts.logger?.[level]({ kms }, message))
  }

  #call(listener: Listener, event: KmsEvents[KmsEventType]): void {
    this.guarded(() => listener(event as never))
  }

  #later(tell: () => void): void {
    if (this.#waiting.length >= limits.queuedSignals) {
      this.#dropped += 1
      this.#lastFailureAt = new Date(this.#parts.clock.now())
      return
    }
    this.#waiting.push(tell)
    if (!this.#isTelling) void this.#tellAll()
  }

  async #tellAll(): Promise<void> {
    this.#isTelling = true
    for (await this.#parts.timers.turn(); this.#waiting.length > 0; await this.#parts.timers.turn()) this.#tellSome()
    this.#isTelling = false
  }

  #tellSome(): void {
    const some = this.#waiting.slice(0, toldPerTurn)
    this.#waiting = this.#waiting.slice(toldPerTurn)
    for (const tell of some) tell()
  }

  #isHeard(): boolean {
    return this.#parts.logger !== undefined || this.#listeners.size > 0
  }

  #wants({ type, level }: Headline): boolean {
    const isListened = this.#has('record') || (type !== undefined && this.#has(type))
    return isListened || this.#isLogged(level)
  }

  #has(type: KmsEventType): boolean {
    return (this.#listeners.get(type)?.size ?? 0) > 0
  }

  #isLogged(level: LogLevel): boolean {
    const { logger } = this.#parts
    if (logger === undefined) return false
    try {
      return logger.isLevelEnabled?.(level) ?? true
    } catch {
      return true
    }
  }
}
