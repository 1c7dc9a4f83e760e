import { aborted } from '../audit/queue.ts'
import { InvalidRequestError } from '../errors.ts'
import { limits } from '../internal/defaults.ts'
import { ownOnly } from '../internal/own.ts'
import { needsReEncryptMany } from '../operations/needs-re-encrypt-many.ts'
import { reEncryptMany } from '../operations/re-encrypt-many.ts'
import type { Ciphertext } from '../operations/shared/fields.ts'
import type { CallOptions } from '../call.ts'
import type { ManyItem } from '../runtime.ts'
import type {
  ReEncryptAllOptions,
  ReEncryptAllResult,
  ReEncryptedRow,
  ReEncryptFailure,
  ReEncryptProgress,
  ReEncryptRow,
  ReEncryptSource,
} from './re-encryption.ts'
import type { Run } from './run.ts'
import { requireObject } from './text.ts'

const defaultBatch = 500
const batchBytes = 4 * 1024 * 1024
const keptFailures = 100

/** Re-encrypts a table; see the client's verb of this name. */
export async function reEncryptAll(
  run: Run,
  source: ReEncryptSource,
  options: ReEncryptAllOptions,
): Promise<ReEncryptAllResult> {
  const plan = checked(source, options)
  const job = new Job(run, plan)
  for await (const rows of batchesOf(source, plan)) await job.batch(rows)
  return job.result
}

/** One run over a table. What it holds is one batch, and numbers. */
class Job {
  readonly #run: Run
  readonly #plan: Plan
  readonly #kept: ReEncryptFailure[] = []
  #progress: ReEncryptProgress = { read: 0, reEncrypted: 0, skipped: 0, failed: 0, failures: [], cursor: undefined }

  constructor(run: Run, plan: Plan) {
    this.#run = run
    this.#plan = plan
  }

  get result(): ReEncryptAllResult {
    return { ...this.#progress, failures: this.#kept }
  }

  /**
   * Does one batch. A crash before or within `write` leaves rows that the next run reads again and does again; one
   * between `write` and `checkpoint` rows that it passes over.
   */
  async batch(rows: readonly ReEncryptRow[]): Promise<void> {
    const { key, write, checkpoint, onProgress, onError, call } = this.#plan
    const asked = await this.#run(needsReEncryptMany, { items: rows.map((row) => named(row, key)) }, call)
    const [answers, unreadable] = sorted(rows, asked.items)
    const needy = answers.filter(({ item }) => item.needed).map(({ row }) => row)
    const made =
      needy.length === 0
        ? []
        : (await this.#run(reEncryptMany, { items: needy.map((row) => moved(row, key)) }, call)).items
    const [moves, unmoved] = sorted(needy, made)
    if (moves.length > 0) await write(moves.map(({ row, item }) => written(row, item)))
    const failures = [...unreadable, ...unmoved]
    const failure = failures.find(({ error }) => onError === 'stop' || error.retryable)
    this.#count({ rows, skipped: answers.length - needy.length, moved: moves.length, failures }, failure)
    if (failure === undefined) await checkpoint?.((rows.at(-1) as ReEncryptRow).reference)
    await onProgress?.(this.#progress)
    if (failure !== undefined) throw failure.error
  }

  #count(batch: Counted, failure: ReEncryptFailure | undefined): void {
    const { rows, skipped, moved: count, failures } = batch
    const { read, reEncrypted, skipped: before, failed, cursor } = this.#progress
    this.#kept.push(...failures.slice(0, keptFailures - this.#kept.length))
    this.#progress = {
      read: read + rows.length,
      reEncrypted: reEncrypted + count,
      skipped: before + skipped,
      failed: failed + failures.length,
      failures,
      cursor: failure === undefined ? rows.at(-1)?.reference : cursor,
    }
  }
}

interface Counted {
  readonly rows: readonly ReEncryptRow[]
  readonly skipped: number
  readonly moved: number
  readonly failures: readonly ReEncryptFailure[]
}

interface Plan extends Omit<ReEncryptAllOptions, keyof CallOptions> {
  readonly batch: number
  readonly call: CallOptions
}

/** The options, copied. @throws InvalidRequestError */
function checked(source: ReEncryptSource, given: ReEncryptAllOptions): Plan {
  const { signal, requestId, batch = defaultBatch, ...plan } = requireObject(given, 'options')
  if (!isIterable(source)) throw new InvalidRequestError('the source is not an iterable of rows')
  if (!Number.isSafeInteger(batch) || batch < 1 || batch > limits.items) {
    throw new InvalidRequestError(`a batch has 1 to ${limits.items} rows`)
  }
  const { write, checkpoint, onProgress, onError = 'continue' } = plan
  const optional = [checkpoint, onProgress].filter((each) => each !== undefined)
  if ([write, ...optional].some((each) => typeof each !== 'function')) {
    throw new InvalidRequestError('write, checkpoint and onProgress are functions, and write is needed')
  }
  if (!['continue', 'stop'].includes(onError)) throw new InvalidRequestError('onError is continue or stop')
  return ownOnly({ ...plan, batch, call: { signal, requestId } })
}

function isIterable(source: unknown): boolean {
  if (typeof source !== 'object' || source === null) return false
  return Symbol.asyncIterator in source || Symbol.iterator in source
}

/** Rows in groups. Whatever ends this early, an error of the source included, drops the group that is not full. */
async function* batchesOf(source: ReEncryptSource, { batch, call }: Plan): AsyncGenerator<ReEncryptRow[]> {
  let rows: ReEncryptRow[] = []
  let bytes = 0
  for await (const row of source) {
    if (call.signal?.aborted === true) throw aborted(call.signal)
    rows.push(requireRow(row))
    bytes += row.ciphertext.length
    if (rows.length < batch && bytes < batchBytes) continue
    yield rows
    rows = []
    bytes = 0
  }
  if (rows.length > 0) yield rows
}

function requireRow(row: ReEncryptRow): ReEncryptRow {
  const { reference, ciphertext, context } = requireObject(row, 'row')
  const isMessage = typeof ciphertext === 'string' || ciphertext instanceof Uint8Array
  if (typeof reference !== 'string' || !isMessage) {
    throw new InvalidRequestError('a row of the source has a reference, which is a string, and a ciphertext')
  }
  return { reference, ciphertext, context }
}

const named = ({ reference, ciphertext }: ReEncryptRow, key: string | undefined): Asked => ({
  reference,
  ciphertext,
  key,
})
const moved = (row: ReEncryptRow, key: string | undefined): Asked & ReEncryptRow => ({ ...row, key })

interface Asked {
  readonly reference: string
  readonly ciphertext: Ciphertext
  readonly key: string | undefined
}

/** Rows with their answers, and those that have none. */
function sorted<R extends object>(
  rows: readonly ReEncryptRow[],
  items: readonly ManyItem<R>[],
): readonly [Answered<R>[], ReEncryptFailure[]] {
  const answers: Answered<R>[] = []
  const failures: ReEncryptFailure[] = []
  for (const [at, item] of items.entries()) {
    const row = rows[at] as ReEncryptRow
    if (item.ok) answers.push({ row, item })
    else failures.push({ reference: row.reference, error: item.error })
  }
  return [answers, failures]
}

interface Answered<R> {
  readonly row: ReEncryptRow
  readonly item: R
}

function written(row: ReEncryptRow, item: { ciphertext: Buffer; keyId: string; keyVersion: number }): ReEncryptedRow {
  const { reference, ciphertext: previous } = row
  const { ciphertext, keyId, keyVersion } = item
  const form = typeof previous === 'string' ? ciphertext.toString('base64url') : ciphertext
  return { reference, ciphertext: form, previous, keyId, keyVersion }
}
