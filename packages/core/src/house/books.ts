import type { Anchoring } from '../audit/anchors/anchoring.ts'
import { CheckpointWriter, type CheckpointParts } from '../audit/checkpoint-writer.ts'
import { Committer } from '../audit/committer.ts'
import { HeadTrimmer } from '../audit/head-trimmer.ts'
import { Ledger } from '../audit/ledger.ts'
import { LiveView } from '../audit/live-view.ts'
import type { MarkKeeper } from '../audit/mark-keeper.ts'
import { Proofs } from '../audit/proofs.ts'
import { Pseudonyms } from '../audit/pseudonym.ts'
import { TileWriter } from '../audit/tile-writer.ts'
import { UsageCounter } from '../audit/usage/usage-counter.ts'
import { veilOf } from '../audit/veil.ts'
import { Herald } from '../signals/herald.ts'
import { StateCache } from '../state/cache.ts'
import { openAnchoring } from './anchors.ts'
import { keeperOf } from './marking.ts'
import type { Opening, Proven } from './proven.ts'
import { UseMeter } from './use-meter.ts'
import { Retention, type RetentionParts } from './retention.ts'

/** What a tenant's records are written with, and what goes along with them. */
export interface Books {
  readonly cache: StateCache
  readonly view: LiveView
  readonly proofs: Proofs
  readonly anchoring: Anchoring
  readonly checkpoints: CheckpointWriter
  readonly herald: Herald
  readonly retention: Retention
  readonly keeper: MarkKeeper | undefined
  readonly ledger: Ledger
  readonly meter: UseMeter
  readonly counter: UsageCounter
  /** Keyed hashes that stand in records. */
  readonly pseudonyms: Pseudonyms
}

/** Opens the way into the log of a tenant that is proven, and the way to read its state. */
export async function openBooks(opening: Opening, proven: Proven): Promise<Books> {
  const { tenant, settings } = opening
  const { storage, clock, timers, random, deadlineMs } = settings
  const { keyring, secrets, keys, origin, guard, trees, snapshot, head, learn } = proven
  const cache = new StateCache()
  const patience = { timers, deadlineMs }
  cache.restart(head.revision)
  const view = new LiveView({ storage, tenant, cache, guard, patience, trees, learn })
  const proofs = new Proofs({ tenant, origin, keys, snapshot: async (read) => view.snapshot(read) })
  const anchoring = await openAnchoring(settings, { tenant, origin, proofs, keys: keyring, snapshot })
  const onSigned = anchoring.offer.bind(anchoring)
  const keysAt: CheckpointParts['keysAt'] = async (tx, root) => keys.at(trees.reader(tx, root))
  const checkpoints = new CheckpointWriter({ tenant, origin, keysAt, clock, onSigned })
  const herald = new Herald({ tenant, clock, timers, logger: settings.logger })
  const retention = retentionOf(opening, { view, proofs, keys: keyring, size: () => guard.seen?.size ?? 0 })
  const keeper = keeperOf(settings, { tenant, origin, keys, view })
  const counter = new UsageCounter(clock)
  const others = [new TileWriter(), new HeadTrimmer(), counter, retention, herald]
  const companions = [checkpoints, ...others, ...(keeper === undefined ? [] : [keeper])]
  const meter = new UseMeter()
  const pseudonyms = new Pseudonyms(secrets.pii, settings.shownContextKeys)
  const veil = veilOf(pseudonyms, settings.audit)
  const times = { clock, timers }
  const writing = { storage, tenant, cache, trees, guard, ...times, random, companions, meter, keyring, learn, veil }
  const ledger = new Ledger({ committer: new Committer(writing), ...times, deadlineMs })
  return { cache, view, proofs, anchoring, checkpoints, herald, retention, keeper, ledger, meter, counter, pseudonyms }
}

/** What retention has of a tenant before it is opened. */
type Kept = Omit<RetentionParts, 'tenant' | 'storage' | 'keepRecords'>

function retentionOf({ tenant, settings: { storage }, keepRecords }: Opening, kept: Kept): Retention {
  return new Retention({ tenant, storage, keepRecords, ...kept })
}
