import type { StorageAdapter, StorageReader } from '@chatelaine/core/storage'
import { Agreement } from './agreement.ts'
import { Chain, type Pruned } from './chain.ts'
import { checkCounts } from './counts.ts'
import { Witnesses } from './milestones.ts'
import { rowsOf, tenantsIn } from './pages.ts'
import { EnoughProblems, Problems } from './problems.ts'
import { Fold, hasCounters } from './state.ts'

/** Options of {@link checkInvariants}. */
export interface InvariantOptions {
  /** Which tenant to look at. @defaultValue every one that has a row somewhere */
  readonly tenant?: string | undefined
  /** Stops after so many problems. @defaultValue 100 */
  readonly maxProblems?: number | undefined
}

/**
 * Judges everything that is stored, on one snapshot and without a key: the oracle for tests that let things fail.
 *
 * It shows that records are dense from 0 and linked, that their texts are canonical and their columns say the same,
 * that heads and signed checkpoints are of this chain, that changes follow each other, and that the rows of the state
 * are those that the changes left, at their revisions, without contradictions among them, and that the state tree over them
 * is the one that the newest head names, and that rows of counts count each record once. Of a log that was pruned it takes on trust what the state says it came to there, which what follows bears out. It is written from the specification and shares no code with the library.
 *
 * It cannot tell a head's MAC, for want of the key: whoever edits rows, tree and head so that they fit is not noticed. It
 * reads page by page, and remembers one entry for each row of the state and each writer.
 *
 * @param storage - open, with core's tables; a KMS may be at work on it.
 * @returns what is wrong, in words; nothing where all is well.
 * @throws `StorageFailure` when it cannot be read.
 * @example
 * ```ts no-check
 * expect(await checkInvariants(storage)).toEqual([])
 * ```
 */
export async function checkInvariants(storage: StorageAdapter, options: InvariantOptions = {}): Promise<string[]> {
  const { tenant, maxProblems = 100 } = options
  const found: string[] = []
  await storage.snapshot(async (view) => {
    const tenants = tenant === undefined ? await tenantsIn(view) : [tenant]
    for (const one of tenants) {
      const problems = await problemsOf(view, one, maxProblems - found.length)
      found.push(...(tenants.length === 1 ? problems : problems.map((problem) => `tenant ${one}: ${problem}`)))
      if (found.length >= maxProblems) return
    }
  })
  return found
}

async function problemsOf(view: StorageReader, tenant: string, most: number): Promise<string[]> {
  const problems = new Problems(most)
  try {
    await checkTenant(view, tenant, problems)
  } catch (error) {
    if (!(error instanceof EnoughProblems)) throw error
  }
  return problems.found
}

/** What of the log was pruned, on the word of a row that the state tree knows. */
async function prunedOf(view: StorageReader, tenant: string): Promise<Pruned> {
  const row = await view.get('pruning', [tenant, 'log'])
  return (row as Pruned | undefined) ?? { size: 0, headHash: Buffer.alloc(32), frontier: Buffer.alloc(0) }
}

async function checkTenant(view: StorageReader, tenant: string, problems: Problems): Promise<void> {
  if ((await view.get('locks', [tenant])) === undefined) problems.add('the row that transactions lock is missing.')
  const fold = new Fold(problems)
  const chain = new Chain(tenant, fold, problems)
  const witnesses = new Witnesses(view, tenant, { chain, problems, movesBetween: await hasCounters(view, tenant) })
  await witnesses.begin()
  const pruned = await prunedOf(view, tenant)
  for await (const row of rowsOf(view, 'records', tenant)) {
    const seq = Number(row['seq'])
    // What was pruned and is still there counts for nothing: record 0 stays.
    if (seq > 0 && seq < pruned.size) continue
    if (chain.size === 1 && pruned.size > 1) {
      chain.resume(pruned)
      // A head, or a checkpoint, may be of the very size up to which it was pruned.
      await witnesses.reach()
    }
    chain.take(row)
    await witnesses.reach()
  }
  witnesses.end()
  await fold.check(view, tenant)
  await new Agreement(view, tenant, problems).check()
  await checkCounts(view, { tenant, size: chain.size, problems })
}
