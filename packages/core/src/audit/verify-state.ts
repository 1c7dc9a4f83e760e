import { AbortedError, isKmsError } from '../errors.ts'
import { allOf } from '../internal/all-of.ts'
import { limits } from '../internal/defaults.ts'
import type { AuthenticReader } from '../state/tree/authentic-reader.ts'
import { Bucket, bucketHash } from '../state/tree/bucket.ts'
import { checkRows } from '../state/tree/listing.ts'
import { bitsOfNode, childrenOf, levelsOfNodes, nodeHash } from '../state/tree/node.ts'
import { keyOf, stateTables } from '../state/tree/place.ts'
import { storageFailureOf } from '../storage/errors.ts'
import type { Row, Value } from '../storage/table.ts'
import { openHead, type Head } from './head.ts'
import type { MacKeys } from './head-guard.ts'
import type { AuditProblem, Verification, VerifyOptions } from './verification.ts'

/** Where the state is. */
export interface StateSource {
  readonly tenant: string
  readonly macKeyOf: MacKeys
  /** Whether there is a key for heads of this epoch. */
  readonly knowsEpoch: (epoch: number) => boolean
  /** Whether tables may be missing, which a database of an older version does not have. @defaultValue all are there */
  readonly mayLackTables?: boolean | undefined
  /** Reads from one snapshot whose head was checked. */
  snapshot<T>(read: (reader: AuthenticReader, head: Head) => Promise<T>): Promise<T>
}

/** Where a page ends; `undefined` where it was the last. */
type After = readonly Value[] | undefined

/** Checks the page after the one that ended there. */
type Page = (reader: AuthenticReader, after: readonly Value[]) => Promise<After>

/**
 * Checks that the rows of the state are those of the tree that the authentic head names, both ways: every row that is
 * stored is in the tree, and everything that is in the tree is stored, its nodes too. Reads in pages, each from a
 * snapshot of its own, so that writers may go on and memory does not grow with the state.
 *
 * @returns what is wrong; nothing where all is well. @throws AbortedError, StorageUnavailableError
 */
async function verifyState(source: StateSource, signal?: AbortSignal): Promise<AuditProblem | undefined> {
  const walk = new StateWalk(source, signal)
  const listed = new Set<string>()
  try {
    await walk.pages(storedTree(listed))
    for (const table of stateTables) {
      // A table that a database of an older version does not have: nothing is lost in it.
      const unlessNew = (error: unknown): void => {
        if (source.mayLackTables !== true || listed.has(table) || !isUnreadable(error)) throw error
      }
      await walk.pages(rowsOf(source.tenant, table)).catch(unlessNew)
    }
    await walk.pages(heads(source))
    return undefined
  } catch (error) {
    return problemOf(error, walk.size)
  }
}

/** Goes through what is stored, page by page. */
class StateWalk {
  readonly #source: StateSource
  readonly #signal: AbortSignal | undefined
  /** How long the log was when the last page was read. */
  size = 0

  constructor(source: StateSource, signal: AbortSignal | undefined) {
    this.#source = source
    this.#signal = signal
  }

  async pages(page: Page): Promise<void> {
    for (let after: After = []; after !== undefined;) {
      const { aborted, reason } = this.#signal ?? { aborted: false, reason: undefined }
      if (aborted) throw new AbortedError('the verification was aborted', { cause: reason })
      const from: readonly Value[] = after
      after = await this.#source.snapshot(async (reader, head) => {
        this.size = head.size
        return page(reader, from)
      })
    }
  }
}

/** What a verification of the log found, and of the state after it, unless that was not asked for. */
export async function withState(
  found: Verification,
  source: StateSource,
  options: VerifyOptions,
): Promise<Verification> {
  const isAsked = options.state ?? options.from === undefined
  if (!found.ok || !isAsked) return found
  const problem = await verifyState(source, options.signal)
  return problem === undefined ? found : { ...found, ok: false, problem }
}

/** What does not verify is an answer, and so is a row that the adapter itself cannot read, now or later. */
function problemOf(error: unknown, seq: number): AuditProblem {
  const expected = 'the state that the head names'
  if (isKmsError(error, 'STORAGE_TAMPERED')) return { seq, kind: 'state', expected, found: error.message }
  if (isKmsError(error, 'ROLLBACK_DETECTED'))
    return { seq, kind: 'head', expected: 'a newer log', found: error.message }
  if (!isUnreadable(error)) throw error
  return { seq, kind: 'state', expected, found: 'rows that cannot be read' }
}

/** What cannot be read, now or later. */
function isUnreadable(error: unknown): boolean {
  const cause = isKmsError(error, 'STORAGE_UNAVAILABLE') ? error.cause : error
  return storageFailureOf(cause)?.transient === false
}

/** Every row of a table is in the tree, or it is not read at all. */
function rowsOf(tenant: string, table: string): Page {
  return async (reader, after) => {
    const rows = await reader.range(table, { prefix: [tenant], after, limit })
    const last = rows.at(-1)
    return rows.length < limit || last === undefined ? undefined : keyOf(table, last)
  }
}

/** Everything that is stored of the tree belongs to it, and what it names is stored. Notes of which tables it lists rows. */
function storedTree(listed: Set<string>): Page {
  return async (reader, after) => treePage(reader, after, listed)
}

async function treePage(reader: AuthenticReader, after: readonly Value[], listed: Set<string>): Promise<After> {
  const { tree } = reader
  const rows = await reader.range('state_tree', { prefix: [tree.tenant], after, limit })
  await allOf(rows.map(async (row) => checkStored(reader, row, listed)))
  // The root itself is named by the head alone.
  const isRootless = after.length === 0 && rows[0]?.['level'] !== 0
  if (isRootless && (await tree.hashAt([0, 0])) !== undefined) throw tree.tampered('state_tree', [0, 0])
  const last = rows.at(-1)
  return rows.length < limit || last === undefined ? undefined : [last['level'] as number, last['place'] as number]
}

async function checkStored(reader: AuthenticReader, row: Row, listed: Set<string>): Promise<void> {
  const { tree } = reader
  const [level, place] = [row['level'] as number, row['place'] as number]
  const content = row['content'] as Uint8Array
  const hash = isPlace(level, place) ? await tree.hashAt([level, place]) : undefined
  const found = level === levelsOfNodes ? bucketHash(content) : nodeHash(content)
  if (hash?.equals(found) !== true || row['rev'] !== 1) throw tree.tampered('state_tree', [level, place])
  if (level < levelsOfNodes) return expectChildren(reader, { level, place, content })
  // Every row that a bucket lists is stored: whoever reads one that is not, is told.
  const entries = [...Bucket.of(content).entries()]
  for (const { table } of entries) listed.add(table)
  await checkRows(reader, entries)
}

/** Every child that a node names is stored. Whether it is the one that is named, shows when it is met itself. */
async function expectChildren(reader: AuthenticReader, { level, place, content }: StoredNode): Promise<void> {
  const { tree } = reader
  const first = place * 2 ** bitsOfNode
  const children = childrenOf(content)
  // None of another node lies between them.
  const below = { prefix: [tree.tenant, level + 1], after: [first - 1], limit: Math.max(1, children.length) }
  const stored = new Set((await reader.range('state_tree', below)).map((row) => row['place']))
  const missing = children.find((child) => !stored.has(first + child))
  if (missing !== undefined) throw tree.tampered('state_tree', [level + 1, first + missing])
}

function isPlace(level: number, place: number): boolean {
  return level >= 0 && level <= levelsOfNodes && place >= 0 && place < 2 ** (bitsOfNode * level)
}

interface StoredNode {
  readonly level: number
  readonly place: number
  readonly content: Uint8Array
}

/** Heads of before that are still there are ours. Those of an epoch that is gone can be judged no more. */
function heads({ tenant, macKeyOf, knowsEpoch }: StateSource): Page {
  return async (reader, after) => {
    const rows = await reader.range('heads', { prefix: [tenant], after, limit })
    for (const row of rows) {
      const isKnown = knowsEpoch(row['epoch'] as number)
      if (isKnown && openHead(row, macKeyOf) === undefined) throw reader.tree.tampered('heads', [row['size']])
    }
    return rows.length < limit ? undefined : [rows.at(-1)?.['size'] as number]
  }
}

/** Rows on a page: of a bucket each may take several rows to check. */
const limit = Math.min(200, limits.items)
