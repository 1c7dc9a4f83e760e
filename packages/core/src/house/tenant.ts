import type { VerifySource } from '../audit/chain-walk.ts'
import type { StateSource } from '../audit/verify-state.ts'
import type { Ledger } from '../audit/ledger.ts'
import type { LiveView } from '../audit/live-view.ts'
import { prunedLog, type Pruned } from '../audit/pruned.ts'
import { DataKeyCache } from '../keys/data-key-cache.ts'
import type { Keyring } from '../keys/keyring.ts'
import { NameIndex } from '../keys/name-index.ts'
import { scheduling } from '../change-walk.ts'
import { countRecords } from '../operations/scheduled/count-records.ts'
import { scheduleRotation } from '../operations/scheduled/schedule-rotation.ts'
import { Pipeline } from '../pipeline.ts'
import { RecentGrants } from '../recent-grants.ts'
import type { HouseHealth } from '../house-health.ts'
import type { House } from '../runtime.ts'
import type { Herald } from '../signals/herald.ts'
import { fetchAnswer } from '../state/query.ts'
import { watch, type TelemetryGauges, type Watch } from '../signals/telemetry.ts'
import { checkByAnchors, recordAnchorFaults } from './anchors.ts'
import { openBooks } from './books.ts'
import { finishLog } from './final-checkpoint.ts'
import { openDesk, type KeyringDesk } from './keyring-desk.ts'
import { LateCounting } from './late-counting.ts'
import { beginMarking } from './marking.ts'
import { prove, type Opening, type Proven } from './proven.ts'
import { trimBehind } from './retention.ts'
import { stateOfHouse } from './state-of-house.ts'
import { Vigil } from './vigil.ts'

/** A tenant that is open in this process. */
export interface Tenant {
  readonly pipeline: Pipeline
  /** Whether it takes nothing more. */
  isClosed(): boolean
  /** Resolves when there may be new records. */
  readonly nextCommit: (signal: AbortSignal | undefined) => Promise<void>
  /** Data keys that are used again. */
  readonly dataKeys: DataKeyCache
  /** Tells what happened. */
  readonly herald: Herald
  /** Runs operations under the eyes of telemetry, where there is one. */
  readonly watch: Watch | undefined
  /** What works on its keyring. */
  readonly desk: KeyringDesk
  /** Whether its root key still answers. */
  readonly vigil: Vigil
  close(): Promise<void>
}

/** Opens a tenant: unwraps its keyring, checks its head, and puts its parts together. */
export async function openTenant(opening: Opening): Promise<Tenant> {
  const { tenant, settings, foundation } = opening
  const { storage, clock, timers, random, deadlineMs } = settings
  const proven = await prove(opening)
  const { keyring, secrets, keys, origin, macKeyOf, guard, trees, snapshot, head, accepted, learn } = proven
  const books = await openBooks(opening, proven)
  const { cache, view, proofs, anchoring, checkpoints, herald, retention, keeper, ledger, meter, counter } = books
  const source = sourceOf({ tenant, origin, keys, macKeyOf, snapshot, guard, view, learn })
  const desk = openDesk({ settings, tenant, keyring, logKeys: keys, learn, guard, trees, foundation })
  const knowsEpoch = (epoch: number): boolean => keyring.epochs.has(epoch)
  const stateSource: StateSource = { tenant, macKeyOf, knowsEpoch, snapshot: async (read) => view.snapshot(read) }
  const vigil = new Vigil(desk)
  const rootKey = (): HouseHealth['rootKey'] => ({ provider: desk.provider, epoch: keyring.epoch, state: vigil.look() })
  const refusedRequests = (): number => pipeline.refusedRequests
  const dataKeys = new DataKeyCache(clock)
  const proving = { proofs, anchoring, retention, keeper }
  const telling = { rootKey, refusedRequests, dataKeys, herald, ...proving, storageName: storage.name }
  const house = stateOfHouse({ ledger, view, guard, source, stateSource, timers, alarm: trees.alarm, ...telling })
  const revision = (): number => cache.revision
  const hashes = { pseudonyms: books.pseudonyms, names: new NameIndex(secrets.names) }
  const state = { view, revision, recent: new RecentGrants(revision) }
  const walking = { tools: { random, timers }, ...state, ...hashes, house, auditOrigin: origin }
  const sawError = (error: unknown, action: string): void => {
    trees.alarm.saw(error)
    herald.sawError(error, action)
  }
  const pipeline: Pipeline = new Pipeline({ tenant, clock, random, keyring, ledger, deadlineMs, sawError, ...walking })
  const call = { actor: scheduling, options: undefined }
  meter.tell(async (keyId) => pipeline.run(scheduleRotation, { keyId }, call))
  const counting = new LateCounting(counter, timers, async () => pipeline.run(countRecords, {}, call))
  const faults = await checkByAnchors(settings, { origin, keys, view, anchoring })
  herald.opened(head.size)
  if (opening.keepRecords !== undefined) trimBehind(ledger, pipeline, retention)
  await beginMarking(settings, { accepted, ledger, keeper, revision: head.revision })
  await recordAnchorFaults(settings, faults, { ledger, revision: head.revision, anchoring })
  const finish = async (): Promise<void> => finishLog({ settings, tenant, guard, checkpoints, ...proving })
  const watched = watch({ settings, tenant, herald, gauges: gaugesOf(ledger, dataKeys) })
  return closable({ pipeline, house, desk, vigil, ledger, keyring, dataKeys, herald, counting, finish, watch: watched })
}

function gaugesOf(ledger: Ledger, dataKeys: DataKeyCache): () => TelemetryGauges {
  return () => ({ waiting: ledger.waiting, lagMs: ledger.lagMs, dataKeys: dataKeys.counts.cached })
}

type Readable = Pick<Proven, 'origin' | 'keys' | 'macKeyOf' | 'snapshot' | 'guard' | 'learn'> & {
  readonly tenant: string
  readonly view: LiveView
}

/** Where and with what the log is verified. */
function sourceOf({ tenant, origin, keys, guard, view, ...reading }: Readable): VerifySource {
  // As it is stored: this process may have heard neither of what others have pruned, nor of keys that went with it.
  const pruned = async (): Promise<Pruned | undefined> =>
    view.snapshot(async (reader) => {
      await keys.at(reader)
      return fetchAnswer(reader, tenant, prunedLog)
    })
  const signing = { publicKey: keys.first, allKeys: () => keys.all }
  return { tenant, origin, ...signing, ...reading, seen: () => guard.seen, pruned }
}

interface TenantParts {
  readonly desk: KeyringDesk
  readonly vigil: Vigil
  readonly pipeline: Pipeline
  readonly house: House
  readonly ledger: Ledger
  readonly keyring: Keyring
  readonly dataKeys: DataKeyCache
  readonly herald: Herald
  readonly watch: Watch | undefined
  readonly counting: LateCounting
  readonly finish: () => Promise<void>
}

function closable(parts: TenantParts): Tenant {
  const { pipeline, house, desk, vigil, ledger, keyring, dataKeys, herald, counting, finish } = parts
  let closed = false
  return {
    pipeline,
    desk,
    vigil,
    isClosed: () => closed,
    nextCommit: house.nextCommit,
    dataKeys,
    herald,
    watch: parts.watch,
    close: async () => {
      closed = true
      counting.close()
      await pipeline.streams.end()
      // What runs already still gets its record, if it is done in time.
      await pipeline.whenIdle()
      await ledger.close()
      dataKeys.close()
      await finish()
      keyring.clear()
      herald.close()
    },
  }
}
