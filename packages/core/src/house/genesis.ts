import { ChainBuilder, emptyHead } from '../audit/chain.ts'
import { signCheckpoint, verifierKey } from '../audit/checkpoint.ts'
import { headRow } from '../audit/head.ts'
import { publicKeyOf, type SigningKey } from '../crypto/ed25519.ts'
import { randomBytesOf } from '../crypto/randomness.ts'
import { Keyring } from '../keys/keyring.ts'
import type { Settings } from '../options.ts'
import type { RootKey } from '../root-key/root-key.ts'
import type { Row } from '../storage/table.ts'
import { Alarm } from '../state/tree/alarm.ts'
import { NodeCache } from '../state/tree/node-cache.ts'
import { StateTree } from '../state/tree/state-tree.ts'
import { keyringContext, rootKeyId, wrapKeyringKey } from './keyring-row.ts'
import { newSecretRows, openSecrets } from './secrets.ts'

const epoch = 1

/** Everything that a tenant begins with, by table: inserted in one transaction, or not at all. */
export async function genesisRows(tenant: string, settings: Settings): Promise<readonly (readonly [string, Row])[]> {
  const { clock, random, rootKeys } = settings
  const now = clock.now()
  const keyringKey = randomBytesOf(random, 32)
  const wrapped = await wrapKeyringKey(settings, keyringKey, keyringContext(tenant, epoch))
  const keyring = new Keyring(random)
  keyring.add(epoch, keyringKey)
  const secrets = newSecretRows(keyring, random, { tenant, now })
  const [signing] = openSecrets(keyring, secrets).signing as [SigningKey]
  const origin = settings.auditOrigin ?? `chatelaine.invalid/${tenant}`
  const monotonic = clock.monotonic()
  const provider = await rootKeyId(settings, rootKeys[0] as RootKey)
  const house: [string, Row][] = [
    ['keyring', { tenant, epoch, provider, wrapped, createdAt: now, rev: 1 }],
    ...secrets.map((row): [string, Row] => ['secrets', row]),
  ]
  const tree = await treeOver(tenant, house)
  const stateRoot = tree.root
  const chain = new ChainBuilder({ ...emptyHead(tenant), stateRoot }, { id: random.uuid(), nextSeq: 0, now, monotonic })
  const verifier = verifierKey(origin, publicKeyOf(signing))
  const details = { origin, stateRoot: stateRoot.toString('hex'), verifierKey: verifier }
  chain.append({ action: 'genesis', actor: settings.actor, status: 'SUCCESS', startedAt: monotonic, details })
  const head = chain.head(epoch)
  const note = signCheckpoint({ origin, size: 1, root: chain.root() }, signing)
  return [
    ...house,
    ['locks', { tenant }],
    ...tree.rows.map((row) => ['state_tree', row] as const),
    ...chain.rows.map((row) => ['records', row] as const),
    ['heads', headRow(head, keyring.headMacKey(epoch))],
    ['checkpoints', { tenant, size: 1, note, createdAt: now }],
  ]
}

/** The tree over nothing. */
export function emptyTree(tenant: string): StateTree {
  const nothing = { get: async () => undefined }
  return new StateTree({ reader: nothing, tenant, root: Buffer.alloc(32), nodes: new NodeCache(), alarm: new Alarm() })
}

/** The tree over the first rows of the state, and the rows that it is stored in. */
async function treeOver(
  tenant: string,
  state: readonly (readonly [string, Row])[],
): Promise<{ readonly root: Buffer; readonly rows: readonly Row[] }> {
  const tree = emptyTree(tenant)
  for (const [table, row] of state) await tree.put(table, row)
  const rows: Row[] = []
  const never = async (): Promise<never> => {
    throw new Error('nothing is there to be replaced')
  }
  await tree.write({ insert: async (_, row) => void rows.push(row), replace: never, remove: never })
  tree.keep()
  return { root: tree.root, rows }
}
