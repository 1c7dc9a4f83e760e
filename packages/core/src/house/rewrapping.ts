import { InvalidRequestError } from '../errors.ts'
import { aborted } from '../audit/queue.ts'
import { pause } from '../internal/clock.ts'
import { importTokenLifetimeMs } from '../keys/import-token.ts'
import { nameOf, wrappedTables, type RowName } from '../keys/rewrap.ts'
import type { KeyringState } from '../keys/keyring-store.ts'
import type { Run } from '../face/run.ts'
import type { RewrapOptions, Rewrapping } from '../face/root-key-options.ts'
import { describeRootKey } from '../operations/describe-root-key.ts'
import { retireKeyringEpochs } from '../operations/retire-keyring-epochs.ts'
import { rewrapMaterial } from '../operations/rewrap-material.ts'
import type { ListedRow } from '../state/tree/listing.ts'
import type { Row } from '../storage/table.ts'
import { tables } from '../storage/tables.ts'
import { beginNextEpoch } from './epoch-beginning.ts'
import { readKeyringRows } from './foundation.ts'
import { configured, glance, proven, type KeyringDesk } from './keyring-desk.ts'
import { listed } from './listed.ts'

const pageRows = 1000
const mostRows = 100
/** The names of the rows of one change, as JSON: less than what its record has room for. */
const mostNameBytes = 7500

/**
 * Moves all material of a tenant to the newest keyring epoch, and begins one if the newest began under another root key.
 * It may be interrupted anywhere and started again, by any process, also by several at once.
 */
export async function rewrap(desk: KeyringDesk, run: Run, options: RewrapOptions): Promise<Rewrapping> {
  const job = new Job(desk, run, checked(options))
  return job.do()
}

/** Whether the newest epoch began under another root key than the one of today. */
export function isOutdated({ keyring, epochs }: KeyringState, rootKey: string): boolean {
  const newest = keyring.at(-1)
  return (epochs.find(({ epoch }) => epoch === newest?.epoch)?.madeUnder ?? newest?.provider) !== rootKey
}

class Job {
  readonly #desk: KeyringDesk
  readonly #run: Run
  readonly #options: RewrapOptions
  readonly #startedAt: number
  #moved = 0

  constructor(desk: KeyringDesk, run: Run, options: RewrapOptions) {
    this.#desk = desk
    this.#run = run
    this.#options = options
    this.#startedAt = desk.settings.clock.monotonic()
  }

  async do(): Promise<Rewrapping> {
    const { dryRun, newEpoch } = this.#options
    const before = await this.#run(describeRootKey, {}, this.#call)
    await this.#desk.learn()
    const [current] = await configured(this.#desk)
    const outdated = newEpoch === true || isOutdated(before, current?.id ?? '')
    if (dryRun === true) return this.#plan(before, outdated)
    let retired: readonly number[] = []
    let ending: Ending = { retired: [] }
    if (before.keyring.length > 1) {
      ending = await this.#finish()
      retired = ending.retired
    }
    if (outdated) {
      await beginNextEpoch(this.#desk, this.#run, this.#call)
      ending = await this.#finish()
      retired = [...retired, ...ending.retired]
    }
    const { epoch } = this.#desk.keyring
    return { dryRun: false, epoch, began: outdated, moved: this.#moved, ...ending, retired }
  }

  get #call(): { signal: AbortSignal | undefined; requestId: string | undefined } {
    return { signal: this.#options.signal, requestId: this.#options.requestId }
  }

  async #plan(before: KeyringState, outdated: boolean): Promise<Rewrapping> {
    const newest = this.#desk.keyring.epoch + (outdated ? 1 : 0)
    let moved = 0
    for (const table of Object.keys(wrappedTables)) {
      for await (const rows of this.#pages(table)) moved += rows.filter(({ epoch }) => epoch !== newest).length
    }
    const others = before.keyring.map(({ epoch }) => epoch).filter((epoch) => epoch !== newest)
    return { dryRun: true, epoch: newest, began: outdated, moved, retired: others }
  }

  /**
   * Moves whatever is under an older epoch, then removes those. The first change, which moves nothing, makes a head under
   * the newest epoch: whoever sees it has to learn that epoch before writing anything, so that from then on nothing new
   * comes under an older one, and what was looked through stays so. What the tables show is moved in their order, quickly;
   * that nothing is left is told by what the state tree lists, for what an epoch takes along is gone for ever.
   */
  async #finish(): Promise<Ending> {
    await this.#change([])
    for (const table of Object.keys(wrappedTables)) await this.#pass(table)
    while ((await this.#passListed()) > 0);
    const { keyring } = await proven(this.#desk, async (reader) => readKeyringRows(reader, this.#desk.tenant))
    const { epoch: newest } = this.#desk.keyring
    const old = keyring.map(({ epoch }) => epoch).filter((epoch) => epoch < newest)
    if (old.length === 0) return { retired: [] }
    const dueAt = (keyring.at(-1)?.createdAt ?? 0) + importTokenLifetimeMs
    if (this.#desk.settings.clock.now() < dueAt && (await this.#hasImports())) {
      return { retired: [], retireDueAt: new Date(dueAt) }
    }
    await this.#run(retireKeyringEpochs, { epochs: old }, this.#call)
    this.#desk.keyring.epochs.keepOnly([newest])
    return { retired: old }
  }

  /** Looks through a table once, as it shows itself. */
  async #pass(table: string): Promise<void> {
    for await (const rows of this.#pages(table)) await this.#moveOld(rows.map((row) => ({ table, row })))
  }

  /** Looks through everything that the state lists once. Says how many rows there were to move. */
  async #passListed(): Promise<number> {
    let found = 0
    for await (const rows of listed(this.#desk, Object.keys(wrappedTables))) found += await this.#moveOld(rows)
    return found
  }

  async #moveOld(rows: readonly ListedRow[]): Promise<number> {
    this.#goOn()
    const old = rows.filter(({ row }) => row['epoch'] !== this.#desk.keyring.epoch)
    const names = old.map(({ table, row }) => nameOf(table, row))
    for (const some of groupsOf(names, this.#options.batch ?? mostRows)) await this.#move(some)
    return old.length
  }

  #goOn(): void {
    const { signal } = this.#options
    if (signal?.aborted === true) throw aborted(signal)
  }

  async #move(rows: readonly RowName[]): Promise<void> {
    const { onProgress, ratePerSecond } = this.#options
    this.#goOn()
    this.#moved += await this.#change(rows)
    await onProgress?.({ epoch: this.#desk.keyring.epoch, moved: this.#moved })
    if (ratePerSecond === undefined) return
    const { clock, timers } = this.#desk.settings
    const early = this.#startedAt + (1000 * this.#moved) / ratePerSecond - clock.monotonic()
    if (early > 0) await pause(timers, early)
  }

  async #change(rows: readonly RowName[]): Promise<number> {
    return this.#run(rewrapMaterial, { rows }, this.#call)
  }

  async *#pages(table: string): AsyncGenerator<readonly Row[]> {
    const { tenant } = this.#desk
    const primaryKey = tables.find(({ name }) => name === table)?.primaryKey ?? []
    for (let after: Row | undefined; ;) {
      const from = after === undefined ? {} : { after: primaryKey.slice(1).map((column) => after?.[column] as string) }
      const rows = await glance(this.#desk, async (reader) =>
        reader.range(table, { prefix: [tenant], ...from, limit: pageRows }),
      )
      yield rows
      if (rows.length < pageRows) return
      after = rows.at(-1)
    }
  }

  /** Whether there are keys whose material is imported: tokens for that may be on their way. */
  async #hasImports(): Promise<boolean> {
    for await (const rows of listed(this.#desk, ['keys'])) {
      if (rows.some(({ row }) => row['origin'] === 'EXTERNAL')) return true
    }
    return false
  }
}

interface Ending {
  readonly retired: readonly number[]
  readonly retireDueAt?: Date
}

/** Rows in groups whose names fit into the record of one change. */
function* groupsOf(names: readonly RowName[], most: number): Generator<readonly RowName[]> {
  let [group, bytes]: [RowName[], number] = [[], 0]
  for (const name of names) {
    const length = Buffer.byteLength(JSON.stringify(name)) + 20
    if (group.length === most || bytes + length > mostNameBytes) {
      yield group
      ;[group, bytes] = [[], 0]
    }
    group.push(name)
    bytes += length
  }
  if (group.length > 0) yield group
}

/** @throws InvalidRequestError */
function checked(options: RewrapOptions): RewrapOptions {
  const { batch = mostRows, ratePerSecond = 1, onProgress } = options
  if (!Number.isInteger(batch) || batch < 1 || batch > mostRows) {
    throw new InvalidRequestError(`a batch has 1 to ${mostRows} rows`)
  }
  if (!(ratePerSecond > 0 && ratePerSecond <= 1e9)) throw new InvalidRequestError('ratePerSecond is a positive number')
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    throw new InvalidRequestError('onProgress is a function')
  }
  return { ...options }
}
