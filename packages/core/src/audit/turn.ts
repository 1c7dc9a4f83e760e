import { isKmsError, type KmsError } from '../errors.ts'
import type { StateCache } from '../state/cache.ts'
import { ChangeSet } from '../state/change-set.ts'
import { AuthenticReader } from '../state/tree/authentic-reader.ts'
import type { StateTree } from '../state/tree/state-tree.ts'
import { TransactionView } from '../state/view.ts'
import type { StorageTransaction } from '../storage/adapter.ts'
import type { ChainBuilder } from './chain.ts'
import type { ChangeEntry, Entry, UseEntry } from './entry.ts'
import type { BatchMeter } from './meter.ts'
import type { RecordDraft } from './record.ts'

/** Where a batch is written, and what it has come to. */
export interface BatchPlace {
  readonly tx: StorageTransaction
  readonly tenant: string
  readonly cache: StateCache
  readonly tree: StateTree
  readonly chain: ChainBuilder
  readonly meter: BatchMeter | undefined
}

/** A use that was linked: the `seq` of its last record, and why it was refused after all where it was done too often. */
type Linked = { readonly seq: number; readonly refusal: KmsError | undefined } | undefined

/** Links a use at its turn, at once mostly; `undefined` where it would be decided otherwise by now. */
function linkUse(use: UseEntry, place: BatchPlace): Linked | Promise<Linked> {
  const { cache, chain } = place
  const isUnmoved = use.inside === undefined && use.revision === cache.revision && chain.now < use.validUntil
  return isUnmoved ? linkCharged(use, place) : linkAnew(use, place)
}

async function linkAnew(use: UseEntry, place: BatchPlace): Promise<Linked> {
  const done = await decidedAnew(use, place)
  return done === undefined ? undefined : linkCharged(done, place)
}

function linkCharged(use: UseEntry, { chain, meter }: BatchPlace): Linked | Promise<Linked> {
  const link = (refusal: Refusal | undefined): Linked => {
    for (const draft of refusal?.drafts ?? use.drafts) chain.append(draft)
    return { seq: chain.size - 1, refusal: refusal?.error }
  }
  const charged = chargedTo(use, meter)
  return charged instanceof Promise ? charged.then(link) : link(charged)
}

/** Why a use is refused after all, and the records of that; `undefined` where it is not, which is known at once mostly. */
function chargedTo(
  { charge }: UseEntry,
  meter: BatchMeter | undefined,
): Refusal | undefined | Promise<Refusal | undefined> {
  if (charge === undefined || meter === undefined) return undefined
  const error = meter.charge(charge.deeds)
  if (error === undefined) return undefined
  const refusal = (why: KmsError | undefined): Refusal | undefined =>
    why === undefined ? undefined : { error: why, drafts: charge.refused(why) }
  return error instanceof Promise ? error.then(refusal) : refusal(error)
}

interface Refusal {
  readonly error: KmsError
  readonly drafts: readonly RecordDraft[]
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

/** Links the uses of a batch, and writes what is counted of them. Which of them were refused. */
export async function linkUses(
  entries: readonly Entry[],
  place: BatchPlace,
  seqs: Map<Entry, number | undefined>,
): Promise<ReadonlyMap<Entry, KmsError>> {
  let refusals: Map<Entry, KmsError> | undefined
  for (const entry of entries) {
    if (entry.kind !== 'use') continue
    const linking = linkUse(entry, place)
    const linked = linking instanceof Promise ? await linking : linking
    seqs.set(entry, linked?.seq)
    if (linked?.refusal !== undefined) (refusals ??= new Map()).set(entry, linked.refusal)
  }
  await settle(place)
  return refusals ?? none
}

async function settle({ meter, tree, chain }: BatchPlace): Promise<void> {
  if (meter?.isChanged !== true) return
  await meter.settle()
  tree.keep()
  chain.moved(tree.root)
}

const none: ReadonlyMap<Entry, KmsError> = new Map()

/** Does a change at its turn, or records why not. */
export async function doChange(change: ChangeEntry, place: BatchPlace): Promise<number | undefined> {
  const { tx, tree, chain } = place
  const set = new ChangeSet(place, chain.size, chain.latest)
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
