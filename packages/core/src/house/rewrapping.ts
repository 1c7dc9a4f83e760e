import { InvalidRequestError } from '../errors.ts'
import { raise } from '../attempt.ts'
import { aborted } from '../audit/queue.ts'
import { pause } from '../internal/clock.ts'
import { importTokenLifetimeMs } from '../keys/import-token.ts'
import { wrappedTables } from '../keys/rewrap.ts'
import type { KeyringState } from '../keys/keyring-store.ts'
import type { Run } from '../face/run.ts'
import type { RewrapOptions, Rewrapping } from '../face/root-key-options.ts'
import { describeRootKey } from '../operations/describe-root-key.ts'
import { retireKeyringEpochs } from '../operations/retire-keyring-epochs.ts'
import { rewrapMaterial } from '../operations/rewrap-material.ts'
import type { ListedRow } from '../state/tree/listing.ts'
import type { Row } from '../storage/table.ts'
import { beginNextEpoch } from './epoch-beginning.ts'
import { readKeyringRows } from './foundation.ts'
import { configured, proven, type KeyringDesk } from './keyring-desk.ts'
import { listed } from './listed.ts'

const wrapped = Object.keys(wrappedTables)
const mostRows = 100
/** The names and revisions of the rows of one change, as JSON: less than what its record has room for. */
const mostNameBytes = 8000

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
    const isOld = isBefore(newest)
    let moved = 0
    for await (const { items, problem } of listed(this.#desk, wrapped)) {
      if (problem !== undefined) raise(problem)
      moved += items.filter(({ row }) => isOld(row)).length
    }
    const others = before.keyring.map(({ epoch }) => epoch).filter((epoch) => epoch !== newest)
    return { dryRun: true, epoch: newest, began: outdated, moved, retired: others }
  }

  /**
   * Moves whatever is under an older epoch, then removes those. The first change, which moves nothing, makes a head under
   * the newest epoch: whoever sees it has to learn that epoch before writing anything, so that from then on nothing new
   * comes under an older one, and one look at everything that the state lists is enough. Which epoch that is, is asked
   * before: of one that this process learns meanwhile there need not be a head yet.
   */
  async #finish(): Promise<Ending> {
    const { epoch: newest } = this.#desk.keyring
    await this.#change([])
    const dueAt = ((await this.#keyring()).at(-1)?.createdAt ?? 0) + importTokenLifetimeMs
    const mayWait = this.#desk.settings.clock.now() < dueAt
    const hasImports = await this.#moveAll(mayWait ? [...wrapped, 'keys'] : wrapped, newest)
    const old = (await this.#keyring()).map(({ epoch }) => epoch).filter((epoch) => epoch < newest)
    if (old.length === 0) return { retired: [] }
    if (hasImports) return { retired: [], retireDueAt: new Date(dueAt) }
    await this.#run(retireKeyringEpochs, { epochs: old }, this.#call)
    this.#desk.keyring.epochs.forgetBefore(newest)
    return { retired: old }
  }

  /**
   * Moves every row of these tables that is before an epoch, as the state lists them. Says whether there are keys among
   * them whose material is imported: tokens for that may be on their way.
   *
   * @throws StorageTamperedError for what is hidden or does not verify, for an epoch takes along for ever what is still
   * under it: when everything else was moved, or at once where it says that it is to be moved.
   */
  async #moveAll(names: readonly string[], newest: number): Promise<boolean> {
    const isOld = isBefore(newest)
    let hasImports = false
    let waiting: ListedRow[] = []
    let problem: unknown
    // What says that it is under an older epoch is checked by the change that moves it.
    for await (const page of listed(this.#desk, names, isOld)) {
      this.#goOn()
      problem ??= page.problem
      hasImports ||= page.items.some(({ row }) => row['origin'] === 'EXTERNAL')
      waiting.push(...page.items.filter(({ row }) => isOld(row)))
      const groups = [...groupsOf(waiting, this.#options.batch ?? mostRows)]
      // The last one may have room for rows of the next page.
      waiting = groups.pop() ?? []
      for (const some of groups) await this.#move(some)
    }
    if (waiting.length > 0) await this.#move(waiting)
    return problem === undefined ? hasImports : raise(problem)
  }

  async #keyring(): Promise<KeyringState['keyring']> {
    return (await proven(this.#desk, async (reader) => readKeyringRows(reader, this.#desk.tenant))).keyring
  }

  #goOn(): void {
    const { signal } = this.#options
    if (signal?.aborted === true) throw aborted(signal)
  }

  async #move(rows: readonly ListedRow[]): Promise<void> {
    const { onProgress, ratePerSecond } = this.#options
    this.#goOn()
    this.#moved += await this.#change(rows)
    await onProgress?.({ epoch: this.#desk.keyring.epoch, moved: this.#moved })
    if (ratePerSecond === undefined) return
    const { clock, timers } = this.#desk.settings
    const early = this.#startedAt + (1000 * this.#moved) / ratePerSecond - clock.monotonic()
    if (early > 0) await pause(timers, early)
  }

  async #change(rows: readonly ListedRow[]): Promise<number> {
    return this.#run(rewrapMaterial, { rows }, this.#call)
  }
}

interface Ending {
  readonly retired: readonly number[]
  readonly retireDueAt?: Date
}

const isBefore =
  (epoch: number) =>
  (row: Row): boolean =>
    typeof row['epoch'] === 'number' && row['epoch'] < epoch

/** Rows in groups whose names fit into the record of one change. */
function* groupsOf(rows: readonly ListedRow[], most: number): Generator<ListedRow[]> {
  let [group, bytes]: [ListedRow[], number] = [[], 0]
  for (const each of rows) {
    const { table, key, row } = each
    const length = Buffer.byteLength(JSON.stringify({ table, key, rev: Number(row['rev']) + 1 }))
    if (group.length === most || bytes + length > mostNameBytes) {
      yield group
      ;[group, bytes] = [[], 0]
    }
    group.push(each)
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
