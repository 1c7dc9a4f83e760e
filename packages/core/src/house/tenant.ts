import { verifyCheckpoint } from '../audit/checkpoint.ts'
import { CheckpointWriter } from '../audit/checkpoint-writer.ts'
import { Committer } from '../audit/committer.ts'
import type { Head } from '../audit/head.ts'
import { HeadGuard, type MacKeys } from '../audit/head-guard.ts'
import { HeadTrimmer } from '../audit/head-trimmer.ts'
import { Ledger } from '../audit/ledger.ts'
import { late, LiveView, storageErrors } from '../audit/live-view.ts'
import { Pseudonyms } from '../audit/pseudonym.ts'
import { publicKeyOf } from '../crypto/ed25519.ts'
import { leafHash } from '../crypto/hash.ts'
import { RollbackDetectedError, StorageTamperedError } from '../errors.ts'
import { within } from '../internal/patience.ts'
import { DataKeyCache } from '../keys/data-key-cache.ts'
import { Keyring } from '../keys/keyring.ts'
import { NameIndex } from '../keys/name-index.ts'
import { originPattern, type Settings } from '../options.ts'
import { Pipeline } from '../pipeline.ts'
import type { HouseHealth } from '../house-health.ts'
import type { House } from '../runtime.ts'
import { Herald } from '../signals/herald.ts'
import { StateCache } from '../state/cache.ts'
import type { StorageReader } from '../storage/adapter.ts'
import type { Row } from '../storage/table.ts'
import { finalCheckpoint } from './final-checkpoint.ts'
import type { Foundation } from './foundation.ts'
import { openKeyring } from './keyring-row.ts'
import { openSecrets } from './secrets.ts'
import { stateOfHouse } from './state-of-house.ts'

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
  close(): Promise<void>
}

/** What a tenant is opened from. */
export interface Opening {
  readonly tenant: string
  readonly settings: Settings
  readonly foundation: Foundation
  /** Its keyring, where that was opened to prove the root key. */
  readonly proved: Keyring | undefined
}

/** Opens a tenant: unwraps its keyring, checks its head, and puts its parts together. */
export async function openTenant({ tenant, settings, foundation, proved }: Opening): Promise<Tenant> {
  const { storage, clock, timers, random, deadlineMs } = settings
  const keyring = proved ?? new Keyring(random)
  if (proved === undefined) await openKeyring(keyring, foundation.keyring, settings)
  const secrets = openSecrets(keyring, foundation.secrets)
  const publicKey = publicKeyOf(secrets.signing)
  const origin = provenOrigin(foundation, publicKey)
  const macKeyOf: MacKeys = (epoch) => keyring.headMacKey(epoch)
  const guard = new HeadGuard(tenant, macKeyOf)
  const cache = new StateCache()
  const patience = { timers, deadlineMs }
  const snapshot: Snapshot = async (read) => within(patience, storageErrors(storage.snapshot(read)), late)
  const head = await snapshot(async (reader) => readChainEnd(reader, guard))
  guard.saw(head)
  cache.restart(head.revision)
  const view = new LiveView({ storage, tenant, cache, guard, patience })
  const checkpoints = new CheckpointWriter({ tenant, origin, key: secrets.signing, clock })
  const herald = new Herald({ tenant, clock, timers, logger: settings.logger })
  const companions = [checkpoints, new HeadTrimmer(), herald]
  const writing = { storage, tenant, cache, guard, clock, timers, random, companions, keyring }
  const ledger = new Ledger({ committer: new Committer(writing), clock, timers, deadlineMs })
  const seen = (): Head | undefined => guard.seen
  const source = { tenant, origin, publicKey, macKeyOf, snapshot, seen }
  const provider = String(foundation.keyring.at(-1)?.['provider'])
  const rootKey = (): HouseHealth['rootKey'] => ({ provider, epoch: keyring.epoch })
  const refusedRequests = (): number => pipeline.refusedRequests
  const dataKeys = new DataKeyCache(clock)
  const telling = { rootKey, refusedRequests, dataKeys, herald, storageName: storage.name }
  const house = stateOfHouse({ ledger, view, guard, source, timers, ...telling })
  const revision = (): number => cache.revision
  const hashes = { pseudonyms: new Pseudonyms(secrets.pii), names: new NameIndex(secrets.names) }
  const walking = { tools: { random, timers }, view, revision, ...hashes, house }
  const sawError = herald.sawError.bind(herald)
  const pipeline: Pipeline = new Pipeline({ tenant, clock, random, keyring, ledger, deadlineMs, sawError, ...walking })
  herald.opened(head.size)
  const finish = async (): Promise<void> => finalCheckpoint({ settings, tenant, guard, checkpoints })
  return closable({ pipeline, house, ledger, keyring, dataKeys, herald, finish })
}

type Snapshot = <T>(read: (reader: StorageReader) => Promise<T>) => Promise<T>

/** The head, if the log ends where it says: with its record, and with no checkpoint of a longer log. */
async function readChainEnd(reader: StorageReader, guard: HeadGuard): Promise<Head> {
  const head = await guard.read(reader, undefined)
  const last = { prefix: [head.tenant], order: 'desc', limit: 1 } as const
  const [checkpoint] = await reader.range('checkpoints', last)
  const [record] = await reader.range('records', last)
  if (Math.max(Number(checkpoint?.['size'] ?? 0), Number(record?.['seq'] ?? -1) + 1) > head.size) {
    throw new RollbackDetectedError('the head of the audit log is older than its records or checkpoints')
  }
  const hash = record?.['seq'] === head.size - 1 ? record['hash'] : undefined
  if (hash instanceof Uint8Array && head.headHash.equals(hash)) return head
  throw new StorageTamperedError('the last audit record is not the one that the head names')
}

/**
 * The origin that the first record fixed, proved by the checkpoint that was signed with it: nothing is ever signed
 * under a name that somebody else chose.
 *
 * @throws StorageTamperedError
 */
function provenOrigin({ genesis, checkpoint }: Foundation, publicKey: Buffer): string {
  const origin = originOf(genesis)
  const root = leafHash(String(genesis?.['text']))
  if (verifyCheckpoint(String(checkpoint?.['note']), { origin, size: 1, root }, publicKey)) return origin
  throw new StorageTamperedError('the first audit record is not the one that was signed')
}

interface TenantParts {
  readonly pipeline: Pipeline
  readonly house: House
  readonly ledger: Ledger
  readonly keyring: Keyring
  readonly dataKeys: DataKeyCache
  readonly herald: Herald
  readonly finish: () => Promise<void>
}

function closable(parts: TenantParts): Tenant {
  const { pipeline, house, ledger, keyring, dataKeys, herald, finish } = parts
  let closed = false
  return {
    pipeline,
    isClosed: () => closed,
    nextCommit: house.nextCommit,
    dataKeys,
    herald,
    close: async () => {
      closed = true
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

/** The origin that the tenant's first record fixed. */
export function originOf(genesis: Row | undefined): string {
  try {
    const { details } = JSON.parse(String(genesis?.['text'])) as { details?: { origin?: unknown } }
    const origin = details?.origin
    if (typeof origin === 'string' && originPattern.test(origin)) return origin
  } catch {
    // A damaged first record has no origin: nothing is signed then, and a verification reports the record.
  }
  return 'chatelaine.invalid/unknown'
}
