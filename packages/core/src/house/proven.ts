import { verifyCheckpoint } from '../audit/checkpoint.ts'
import type { Head } from '../audit/head.ts'
import { HeadGuard, type MacKeys } from '../audit/head-guard.ts'
import { late, storageErrors } from '../audit/live-view.ts'
import { LogKeys } from '../audit/log-keys.ts'
import { publicKeyOf, signingKey } from '../crypto/ed25519.ts'
import { leafHash } from '../crypto/hash.ts'
import { RollbackDetectedError, StorageTamperedError } from '../errors.ts'
import type { Mark } from '../audit/high-water-mark.ts'
import { within } from '../internal/patience.ts'
import { openSecret } from '../keys/house-secret.ts'
import { Keyring } from '../keys/keyring.ts'
import { originPattern, type Settings } from '../options.ts'
import { Alarm } from '../state/tree/alarm.ts'
import type { NodeCache } from '../state/tree/node-cache.ts'
import { keyOf } from '../state/tree/place.ts'
import type { StateTree } from '../state/tree/state-tree.ts'
import { Trees } from '../state/tree/trees.ts'
import type { StorageReader } from '../storage/adapter.ts'
import type { Row } from '../storage/table.ts'
import type { Foundation } from './foundation.ts'
import { epochLearner } from './epoch-learning.ts'
import { requireStated } from '../keys/epoch-statement.ts'
import { openKeyring } from './keyring-row.ts'
import { checkByMark, type AcceptedRollback } from './marking.ts'
import { requireUnmoved } from './moving.ts'
import { openSecrets, type HouseSecrets } from './secrets.ts'

/** What a tenant is opened from. */
export interface Opening {
  readonly tenant: string
  readonly settings: Settings
  readonly foundation: Foundation
  /** Its keyring, where that was opened to prove the root key. */
  readonly proved: Keyring | undefined
  /** How many audit records the storage wants to keep, where it does not keep all. */
  readonly keepRecords: number | undefined
  /** Nodes of state trees, which all tenants share. */
  readonly nodes: NodeCache
  /** What is remembered of its log, read before the log was. */
  readonly remembered: Mark | undefined
}

/** What proves everything else of a tenant, and is proved itself. */
export interface Proven {
  readonly keyring: Keyring
  readonly secrets: HouseSecrets
  /** The keys that sign the log's checkpoints. */
  readonly keys: LogKeys
  readonly origin: string
  readonly macKeyOf: MacKeys
  readonly guard: HeadGuard
  readonly trees: Trees
  readonly head: Head
  /** Takes over keyring epochs that were begun since. */
  readonly learn: () => Promise<void>
  /** What somebody has accepted of a log that does not fit its mark. */
  readonly accepted: AcceptedRollback | undefined
  /** Reads from one snapshot, within the deadline. */
  readonly snapshot: <T>(read: (reader: StorageReader) => Promise<T>) => Promise<T>
}

/**
 * Proves a tenant from the root key upwards: its keyring, its secrets, the origin of its log, the head that the log ends
 * with, and that the state which the head names is what the tenant stands on.
 *
 * @throws StorageTamperedError, RollbackDetectedError, RootKeyMismatchError
 */
export async function prove(opening: Opening): Promise<Proven> {
  const { tenant, settings, foundation, proved, nodes, remembered } = opening
  const { storage, timers, random, deadlineMs } = settings
  const keyring = proved ?? new Keyring(random)
  // What was opened to prove the root key is not opened again.
  await openKeyring(keyring, foundation, settings)
  const secrets = openSecrets(keyring, foundation.secrets)
  const keys = new LogKeys({ tenant, open: (row) => signingKey(openSecret(keyring, row)) }, secrets.signing)
  requireStated(keyring, foundation, keys.all)
  const origin = provenOrigin(foundation, keys.first)
  const macKeyOf: MacKeys = (epoch) => keyring.headMacKey(epoch)
  const guard = new HeadGuard(tenant, macKeyOf, (epoch) => keyring.epochs.has(epoch))
  const trees = new Trees(tenant, nodes, new Alarm())
  const snapshot: Proven['snapshot'] = async (read) =>
    within({ timers, deadlineMs }, storageErrors(storage.snapshot(read)), late)
  const { head, accepted } = await snapshot(async (reader) => {
    await requireUnmoved(reader, tenant, foundation)
    const end = await readChainEnd(reader, guard)
    await checkFoundation(trees.at(reader, end.stateRoot), foundation)
    const marked = { head: end, origin, publicKeys: secrets.signing.map(publicKeyOf), remembered }
    return { head: end, accepted: await checkByMark(settings, reader, marked) }
  })
  guard.saw(head)
  const learn = epochLearner({ settings, tenant, keyring, publicKeys: () => keys.all })
  return { keyring, secrets, keys, origin, macKeyOf, guard, trees, head, accepted, snapshot, learn }
}

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

/** The tenant stands on what the state tree knows of, on all of it, and on nothing else. @throws StorageTamperedError */
async function checkFoundation(tree: StateTree, foundation: Foundation): Promise<void> {
  for (const [table, rows] of [
    ['keyring', foundation.keyring],
    ['keyring_wraps', foundation.wraps],
    ['keyring_epochs', foundation.epochs],
    ['secrets', foundation.secrets],
  ] as const) {
    for (const row of rows) await tree.check(table, keyOf(table, row), row as unknown as Row)
    if ((await tree.keysBelow(table, []))?.length !== rows.length) throw tree.tampered(table, [])
  }
}

/**
 * The origin that the first record fixed, proved by the checkpoint that was signed with it: nothing is ever signed
 * under a name that somebody else chose.
 *
 * @throws StorageTamperedError
 */
export function provenOrigin(
  { genesis, checkpoint }: Pick<Foundation, 'genesis' | 'checkpoint'>,
  publicKey: Buffer,
): string {
  const origin = originOf(genesis)
  const root = leafHash(String(genesis?.['text']))
  if (verifyCheckpoint(String(checkpoint?.['note']), { origin, size: 1, root }, publicKey)) return origin
  throw new StorageTamperedError('the first audit record is not the one that was signed')
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
