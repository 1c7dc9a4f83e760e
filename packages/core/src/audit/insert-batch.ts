import type { SecretKey } from '../crypto/secret-key.ts'
import { allOf } from '../internal/all-of.ts'
import type { StorageTransaction } from '../storage/adapter.ts'
import type { ChainBuilder } from './chain.ts'
import type { BatchCompanion, LinkedBatch } from './companion.ts'
import { headRow, type Head } from './head.ts'

/** What a batch is linked to, and what rejects where that is another than it was taken for. */
export interface Before {
  readonly head: Head
  readonly read: Promise<void>
  /** The transaction. It reads nothing before this head is known to be the one. */
  readonly tx: StorageTransaction
}

/** What a batch is inserted with. */
export interface InsertingBy {
  readonly companions: readonly BatchCompanion[]
  readonly keyring: { readonly epoch: number; headMacKey(epoch: number): SecretKey }
}

/** A batch of which everything has been asked for. */
export interface Inserting {
  /** What companions were told; `undefined` where there was nothing to write. */
  readonly linked: LinkedBatch | undefined
  /** Rejects where something that was asked for could not be done. */
  readonly answered: Promise<unknown>
}

/** Asks for the records of a batch, its head, and what goes along with them. */
export async function insertBatch(by: InsertingBy, before: Before, chain: ChainBuilder): Promise<Inserting> {
  if (chain.rows.length === 0) {
    await before.read
    return { linked: undefined, answered: Promise.resolve() }
  }
  const { companions, keyring } = by
  const { tx } = before
  const head = chain.head(keyring.epoch)
  const row = headRow(head, keyring.headMacKey(head.epoch))
  // Everything in one go: each wait of one for another would be a round trip for everybody.
  const written = allOf<unknown>([before.read, tx.append('records', chain.rows), tx.append('heads', [row])])
  const asked: Promise<unknown>[] = []
  const takeOver = (answer: Promise<unknown>): void => {
    asked.push(answer)
    // It is heard of when all has been asked for, which may be later.
    answer.catch(() => undefined)
  }
  takeOver(written)
  const linked: LinkedBatch = { before: before.head, head, chain, written, takeOver }
  try {
    // When the head is known, so are the records on their way: what companions compute goes on beside that.
    await before.read
    await allOf(companions.map(async (companion) => companion.write(tx, linked)))
  } catch (error) {
    // What was asked for first says why, where it failed.
    await allOf(asked).finally(() => batchFailed(companions, linked))
    throw error
  }
  return { linked, answered: allOf(asked) }
}

/** Tells companions that a batch was not applied, or that nobody knows. */
export function batchFailed(companions: readonly BatchCompanion[], linked: LinkedBatch): void {
  for (const companion of companions) companion.failed?.(linked)
}
