import { isKmsError } from '../errors.ts'
import type { StateCache } from '../state/cache.ts'
import { ChangeSet } from '../state/change-set.ts'
import { AuthenticReader } from '../state/tree/authentic-reader.ts'
import type { StateTree } from '../state/tree/state-tree.ts'
import { TransactionView } from '../state/view.ts'
import type { StorageTransaction } from '../storage/adapter.ts'
import type { ChainBuilder } from './chain.ts'
import type { ChangeEntry, UseEntry } from './entry.ts'
import type { RecordDraft } from './record.ts'

/** Where a batch is written, and what it has come to. */
export interface BatchPlace {
  readonly tx: StorageTransaction
  readonly tenant: string
  readonly cache: StateCache
  readonly tree: StateTree
  readonly chain: ChainBuilder
}

/** Links a use at its turn; `undefined` where it would be decided otherwise by now. */
export async function linkUse(use: UseEntry, place: BatchPlace): Promise<number | undefined> {
  const { cache, chain } = place
  const unmoved = use.inside === undefined && use.revision === cache.revision && chain.now < use.validUntil
  const done = unmoved ? use : await decidedAnew(use, place)
  if (done === undefined) return undefined
  for (const draft of done.drafts) chain.append(draft)
  return chain.size - 1
}

/** The use as it is true now; `undefined` where it would be decided otherwise. */
async function decidedAnew(
  use: UseEntry,
  { tx, tenant, cache, tree, chain }: BatchPlace,
): Promise<UseEntry | undefined> {
  const view = new TransactionView(new AuthenticReader(tx, tree), tenant, cache)
  // Done inside, it is done anew in every attempt: what is released is what the committed attempt recorded.
  if (use.inside !== undefined) return use.inside(view, cache.revision)
  return (await holds(use, view, chain.now)) ? use : undefined
}

/** A use that stands on rows that do not verify is done again, and fails by itself: it does not fail the others. */
async function holds(use: UseEntry, view: TransactionView, now: number): Promise<boolean> {
  try {
    return await use.holds(view, now)
  } catch (error) {
    if (isKmsError(error, 'STORAGE_TAMPERED')) return false
    throw error
  }
}

/** Does a change at its turn, or records why not. */
export async function doChange(change: ChangeEntry, place: BatchPlace): Promise<number | undefined> {
  const { tx, tree, chain } = place
  const set = new ChangeSet(place, chain.size)
  const thrown: { error?: unknown } = {}
  const perform = async (): Promise<RecordDraft> => {
    try {
      const draft = await change.perform(set, chain.now)
      await set.settle()
      return draft
    } catch (error) {
      thrown.error = error
      throw error
    }
  }
  try {
    const draft = await tx.savepoint(perform)
    tree.keep()
    chain.append(draft, set.touched, tree.root)
    chain.moveKeys(set.keyMoves)
  } catch (error) {
    tree.undo()
    // Only what the change itself threw, on a storage that did all it was asked, concerns this change alone.
    if (!Object.hasOwn(thrown, 'error') || error !== thrown.error || set.storageFailed) throw error
    const refusal = change.refused(error)
    if (refusal === undefined) return undefined
    chain.append(refusal)
  }
  return chain.size - 1
}
