import { createKms, isKmsError, type Kms, type RootKey } from '@chatelaine/core'
import type { StorageAdapter } from '@chatelaine/core/storage'
import { seededRandomness } from '@chatelaine/core/testing'
import type { Office } from './office.ts'
import type { Weather } from './weather.ts'
import { Wire } from './wire.ts'
import { Life, type World } from './world.ts'

/** What a simulated process is made of. */
export interface ProcessParts {
  readonly name: string
  readonly world: World
  readonly weather: Weather
  readonly office: Office
  readonly rootKey: RootKey
  /** Connects to the storage that all processes share. */
  readonly connect: () => StorageAdapter
  readonly deadlineMs: number
  readonly callers: number
  /** How many operations are to be asked for by all processes together. */
  readonly operations: number
}

/** A process with a KMS and its callers. It may be killed at any time, and is started again. */
export class SimulatedProcess {
  /** How often it was killed. */
  crashes = 0
  /** How often it was closed in order. */
  closings = 0
  readonly #parts: ProcessParts
  readonly #skewMs: number
  #kms: Kms | undefined
  #starts = 0

  constructor(parts: ProcessParts) {
    this.#parts = parts
    this.#skewMs = parts.world.chance(0.5) ? parts.world.upTo(40) - 20 : 0
  }

  /** Its KMS, while it is open. */
  get kms(): Kms | undefined {
    return this.#kms
  }

  /** Starts it: opens the KMS, and lets its callers ask. */
  start(): void {
    const { world, weather, rootKey, connect, deadlineMs, name } = this.#parts
    const life = new Life()
    this.#starts += 1
    const storage = new Wire({ world, weather, life, storage: connect(), crash: () => this.#crash(life) })
    const random = seededRandomness(`${world.upTo(2 ** 32)} ${name} ${this.#starts}`)
    const [clock, timers] = [world.clock(this.#skewMs), world.timers(life)]
    const opening = createKms({ storage, rootKey, clock, timers, random, deadlineMs })
    void opening.then(
      (kms) => this.#opened(kms, life),
      (error: unknown) => this.#refused(error, life),
    )
  }

  #opened(kms: Kms, life: Life): void {
    const { callers, world } = this.#parts
    this.#kms = kms
    world.note(`${this.#parts.name} is open`)
    for (let index = 0; index < callers; index++) void this.#call(kms, life)
  }

  /** A storage that cannot be reached now may be later. Anything else is a false alarm. */
  #refused(error: unknown, life: Life): void {
    const { office, name } = this.#parts
    if (!isKmsError(error, 'STORAGE_UNAVAILABLE')) office.problems.push(`${name} cannot be opened: ${describe(error)}`)
    this.#startAgain(life)
  }

  #crash(life: Life): void {
    this.crashes += 1
    this.#startAgain(life)
  }

  #startAgain(life: Life): void {
    const { world } = this.#parts
    if (life.isOver) return
    life.end()
    this.#kms = undefined
    world.note(`${this.#parts.name} is gone`)
    world.after(world.outside, { delayMs: world.upTo(300), label: 'start' }, () => this.start())
  }

  async #call(kms: Kms, life: Life): Promise<void> {
    const { office, world, operations } = this.#parts
    while (office.operations.length < operations && !life.isOver && this.#kms === kms) {
      await office.ask(kms, office.next(), office.impatience())
      await world.wait(life, world.chance(0.5) ? 0 : world.upTo(20))
      if (world.chance(0.004)) void this.#close(kms, life)
    }
  }

  /** Closes it in order, while others of its callers still ask. */
  async #close(kms: Kms, life: Life): Promise<void> {
    const { world, office, deadlineMs, name } = this.#parts
    if (this.#kms !== kms) return
    this.#kms = undefined
    const since = world.time
    try {
      await kms.close()
      this.closings += 1
    } catch (error) {
      if (!isKmsError(error, 'STORAGE_UNAVAILABLE')) office.problems.push(`${name} does not close: ${describe(error)}`)
    }
    if (world.time - since > 5 * deadlineMs) office.problems.push(`${name} took ${world.time - since} ms to close`)
    this.#startAgain(life)
  }
}

function describe(error: unknown): string {
  return isKmsError(error) ? `${error.code} ${error.message}` : String(error)
}
