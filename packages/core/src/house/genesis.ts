import { ChainBuilder, emptyHead } from '../audit/chain.ts'
import { signCheckpoint, verifierKey } from '../audit/checkpoint.ts'
import { headRow } from '../audit/head.ts'
import { publicKeyOf } from '../crypto/ed25519.ts'
import { randomBytesOf } from '../crypto/randomness.ts'
import { Keyring } from '../keys/keyring.ts'
import type { Settings } from '../options.ts'
import type { RootKey } from '../root-key/root-key.ts'
import type { Row } from '../storage/table.ts'
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
  const { signing } = openSecrets(keyring, secrets)
  const origin = settings.auditOrigin ?? `chatelaine.invalid/${tenant}`
  const monotonic = clock.monotonic()
  const chain = new ChainBuilder(emptyHead(tenant), { id: random.uuid(), nextSeq: 0, now, monotonic })
  chain.append({
    action: 'genesis',
    actor: settings.actor,
    status: 'SUCCESS',
    startedAt: monotonic,
    details: { origin, verifierKey: verifierKey(origin, publicKeyOf(signing)) },
  })
  const head = chain.head(epoch)
  const note = signCheckpoint({ origin, size: 1, root: chain.root() }, signing)
  const provider = await rootKeyId(settings, rootKeys[0] as RootKey)
  return [
    ['keyring', { tenant, epoch, provider, wrapped, createdAt: now, rev: 1 }],
    ['locks', { tenant }],
    ...secrets.map((row) => ['secrets', row] as const),
    ...chain.rows.map((row) => ['records', row] as const),
    ['heads', headRow(head, keyring.headMacKey(epoch))],
    ['checkpoints', { tenant, size: 1, note, createdAt: now }],
  ]
}
