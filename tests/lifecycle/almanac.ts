/**
 * What a scheduler does to keys in the course of days, as somebody would work it out who looks at every key every hour.
 * Nothing in here comes from the library, and nothing is clever.
 */

const hour = 3_600_000
const day = 24 * hour

/** The policies of a key, in days; `validUntil` since the beginning. */
export interface Rules {
  readonly rotate?: number | undefined
  readonly grace?: number | undefined
  readonly afterGrace?: 'disable' | 'revoke' | undefined
  readonly expire?: number | undefined
  readonly retain?: number | undefined
  readonly validUntil?: number | undefined
}

/** What somebody does to a key by hand. */
export type Hand = 'rotate' | 'disable' | 'enable' | 'schedule' | 'cancel'

interface Part {
  state: 'current' | 'retired' | 'disabled' | 'revoked' | 'destroyed'
  readonly madeAt: number
  graceEndsAt: number
  isTold: boolean
}

/** One key, and what has become of it. */
export class NaiveKey {
  readonly #rules: Rules
  readonly #start: number
  readonly #parts: Part[] = []
  state: 'Enabled' | 'Disabled' | 'PendingDeletion' | 'Destroyed' = 'Enabled'
  #dueAt = Infinity

  constructor(rules: Rules, start: number) {
    this.#rules = rules
    this.#start = start
    this.#parts.push({ state: 'current', madeAt: start, graceEndsAt: Infinity, isTold: false })
  }

  get #last(): Part {
    return this.#parts[this.#parts.length - 1] as Part
  }

  get #isOver(): (now: number) => boolean {
    const { validUntil } = this.#rules
    return (now) => validUntil !== undefined && now >= this.#start + validUntil * day
  }

  /** Whether somebody may do it, and what becomes of it. */
  byHand(hand: Hand, now: number): boolean {
    if (hand === 'rotate') {
      if (this.state !== 'Enabled' || this.#isOver(now)) return false
      this.#rotate(now)
      return true
    }
    if (hand === 'disable') return this.#move(['Enabled'], 'Disabled')
    if (hand === 'enable') return !this.#isOver(now) && this.#move(['Disabled'], 'Enabled')
    if (hand === 'cancel') return now < this.#dueAt && this.#move(['PendingDeletion'], 'Disabled')
    if (!this.#move(['Enabled', 'Disabled'], 'PendingDeletion')) return false
    this.#dueAt = now + 7 * day
    return true
  }

  /** What a scheduler does at this moment: action and version, one after the other, until nothing is left to do. */
  scheduled(now: number): string[] {
    const deeds: string[] = []
    for (let deed = this.#next(now); deed !== undefined; deed = this.#next(now)) deeds.push(deed)
    return deeds
  }

  #next(now: number): string | undefined {
    if (this.state === 'Destroyed') return undefined
    const stopped = this.#stopped(now)
    if (stopped !== undefined) return stopped
    if (this.state === 'PendingDeletion')
      return now >= this.#dueAt ? this.#becomes('Destroyed', 'destroyKey') : undefined
    if (this.state === 'Enabled' && this.#isOver(now)) return this.#becomes('Disabled', 'expireKey')
    return this.#oldest(now)
  }

  #becomes(state: NaiveKey['state'], deed: string): string {
    this.state = state
    return deed
  }

  #stopped(now: number): string | undefined {
    const index = this.#parts.findIndex(({ state, graceEndsAt }) => state === 'retired' && now >= graceEndsAt)
    const part = this.#parts[index]
    if (part === undefined) return undefined
    part.state = this.#rules.afterGrace === 'revoke' ? 'revoked' : 'disabled'
    return `${part.state === 'revoked' ? 'revokeKey' : 'disableKey'} ${index + 1}`
  }

  /** Of what is due by the age of the current version, what has been due longest. */
  #oldest(now: number): string | undefined {
    const { rotate = Infinity, expire = Infinity, retain = Infinity } = this.#rules
    const { madeAt, isTold } = this.#last
    const times: [number, string][] = []
    if (this.state === 'Enabled') times.push([madeAt + rotate * day, 'rotateKey'])
    if (!isTold) times.push([madeAt + expire * day, 'expireVersion'])
    times.push([madeAt + (expire + retain) * day, 'scheduleKeyDeletion'])
    const due = times.filter(([time]) => time <= now).toSorted(([a], [b]) => a - b)
    const deed = due[0]?.[1]
    if (deed === 'rotateKey') this.#rotate(now)
    if (deed === 'expireVersion') {
      this.#last.isTold = true
      return `expireVersion ${this.#parts.length}`
    }
    if (deed === 'scheduleKeyDeletion') {
      this.state = 'PendingDeletion'
      this.#dueAt = now + 30 * day
    }
    return deed
  }

  #rotate(now: number): void {
    this.#last.state = 'retired'
    this.#last.graceEndsAt = this.#rules.grace === undefined ? Infinity : now + this.#rules.grace * day
    this.#parts.push({ state: 'current', madeAt: now, graceEndsAt: Infinity, isTold: false })
  }

  #move(from: readonly string[], to: NaiveKey['state']): boolean {
    if (!from.includes(this.state)) return false
    this.state = to
    return true
  }
}
