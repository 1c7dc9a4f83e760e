import type { Health, Kms } from '@chatelaine/core'
import type { Settings } from '../options.ts'
import { Admission } from './admission.ts'
import { Gathering } from './gathering.ts'
import { Patience } from './patience.ts'

/** For how long an answer about readiness is believed: whoever asks more often writes no more records. */
const healthAgeMs = 5000

/** What all requests to a handler share. */
export class Service {
  readonly settings: Settings
  readonly admission: Admission
  /** With whoever takes long. */
  readonly patience: Patience
  // As many turns as were found to do best: docs/adr/0030.
  readonly #admitted = new Gathering(3)
  readonly #asked = new Gathering(6)
  #underWay = 0
  readonly #kms: Pick<Kms, 'ops'>
  readonly #draining = new AbortController()
  #health: { readonly at: number; readonly found: Promise<Health> } | undefined

  constructor(kms: Kms, settings: Settings) {
    this.#kms = kms
    this.settings = settings
    this.patience = new Patience(settings.patienceMs)
    this.admission = new Admission(kms, settings, this.patience)
  }

  /** Aborts when no new requests are wanted. */
  get draining(): AbortSignal {
    return this.#draining.signal
  }

  /** Wants no new requests from now on. */
  drain(): void {
    this.#draining.abort(new Error('the server is closing'))
  }

  /** Begins a request. Who calls it calls `end` too. */
  begin(): void {
    this.#underWay += 1
  }

  /** Ends a request. */
  end(): void {
    this.#underWay -= 1
  }

  /** Requests of which it is known who asks wait here for each other: they are read in a row. */
  async admitted(): Promise<void> {
    if (this.#underWay > 1) await this.#admitted.wait()
  }

  /** Requests that are read wait here for each other: they are done in a row. */
  async asked(): Promise<void> {
    if (this.#underWay > 1) await this.#asked.wait()
  }

  /** Whether requests are welcome, and would get their records. */
  async isReady(): Promise<boolean> {
    if (this.draining.aborted) return false
    try {
      return (await this.#newHealth()).recorded
    } catch {
      return false
    }
  }

  async #newHealth(): Promise<Health> {
    const now = performance.now()
    if (this.#health === undefined || now - this.#health.at > healthAgeMs) {
      this.#health = { at: now, found: this.#kms.ops.health() }
    }
    return this.#health.found
  }
}
