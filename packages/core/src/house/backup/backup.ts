import { signEd25519, type SigningKey } from '../../crypto/ed25519.ts'
import { randomBytesOf } from '../../crypto/randomness.ts'
import { secretKey, type SecretKey } from '../../crypto/secret-key.ts'
import type { Run } from '../../face/run.ts'
import type { BackupOptions } from '../../face/backup-options.ts'
import { storageErrors } from '../../audit/live-view.ts'
import { prunedLog } from '../../audit/pruned.ts'
import { ConflictError, RootKeyMismatchError, StorageTamperedError } from '../../errors.ts'
import { wipe } from '../../internal/bytes.ts'
import { backUpTenant } from '../../operations/back-up-tenant.ts'
import type { Head } from '../../audit/head.ts'
import { fingerprintOf } from '../../keys/epochs.ts'
import type { RootKey } from '../../root-key/root-key.ts'
import type { KeyRow } from '../../state/rows.ts'
import { fetchAnswer } from '../../state/query.ts'
import { isOfState, rowHash, stateTables } from '../../state/tree/place.ts'
import type { AuthenticReader } from '../../state/tree/authentic-reader.ts'
import { listEntries, listRows, type ListedRows, type Listing } from '../../state/tree/listing.ts'
import type { Row } from '../../storage/table.ts'
import { tables } from '../../storage/tables.ts'
import { readKeyringRows } from '../foundation.ts'
import type { KeyringDesk } from '../keyring-desk.ts'
import { keyringContext, rootKeyId, unwrapKeyringKey, wrapWith } from '../keyring-row.ts'
import { ArchiveDigest, entryBytes, type ArchiveEntry } from './entries.ts'
import { Handoff } from './handoff.ts'
import { headerBytes } from './header.ts'
import { sealAll } from './sealing.ts'
import { requireWholeLog } from './whole-log.ts'

const pageRows = 500
/** What is made anew from the other rows. */
const derived = ['state_tree']

/** Streams an archive of a tenant; see the method of this name of the KMS. */
export async function* backup(desk: KeyringDesk, run: Run, options: BackupOptions): AsyncGenerator<Buffer> {
  const { recoveryKey, signingKeys = false, signal, requestId } = options
  const { settings, tenant } = desk
  const provider = await rootKeyId(settings, recoveryKey)
  // Recorded before its first byte: whoever has the recovery root key can read everything in it.
  await run(backUpTenant, { to: provider, signingKeys }, { signal, requestId })
  const { secret, wrapped } = await archiveKey(desk, recoveryKey)
  const createdAt = settings.clock.now()
  const header = headerBytes({ v: 1, tenant, createdAt, provider, wrapped: wrapped.toString('base64url') })
  yield header
  yield* sealAll({ secret, context: header, random: settings.random }, bytesOfTenant(desk, header, signingKeys))
}

/** A new key for an archive. */
async function archiveKey(
  { settings, tenant }: KeyringDesk,
  recoveryKey: RootKey,
): Promise<{ readonly secret: SecretKey; readonly wrapped: Buffer }> {
  const key = randomBytesOf(settings.random, 32)
  const context = { tenant, epoch: 1, purpose: 'backup' } as const
  try {
    const wrapped = await wrapWith(settings, recoveryKey, { key, context })
    return { secret: secretKey(key), wrapped }
  } finally {
    wipe(key)
  }
}

/** Everything of a tenant, as bytes: keyring keys, rows, and the signed end, all of one snapshot. */
async function* bytesOfTenant(desk: KeyringDesk, header: Buffer, signingKeys: boolean): AsyncGenerator<Buffer> {
  // An epoch that another process has begun is known here from now on, for it may be among the rows.
  await desk.learn()
  const handoff = new Handoff<Buffer>()
  const reading = storageErrors(
    desk.authentic(async (reader, head) => writeAll({ reader, head, desk, signingKeys }, { header, handoff })),
  ).then(
    () => handoff.end(),
    (error: unknown) => handoff.end(error),
  )
  try {
    yield* handoff.all()
  } finally {
    handoff.leave()
    await reading
  }
}

interface Writing {
  readonly header: Buffer
  readonly handoff: Handoff<Buffer>
}

async function writeAll(reading: Reading, { header, handoff }: Writing): Promise<void> {
  const { reader, head, desk } = reading
  // Known of now: while everything is read, its epoch may go.
  const headKey = desk.keyring.headMacKey(head.epoch)
  const digest = new ArchiveDigest(header)
  let rows = 0
  const give = async (entry: ArchiveEntry): Promise<void> => {
    const bytes = entryBytes(entry)
    digest.add(bytes)
    await handoff.give(bytes).finally(() => {
      if (entry.kind === 'key') wipe(bytes)
    })
    if (entry.kind !== 'key') rows += 1
  }
  // Whoever restores it knows no later key of the log than the snapshot does.
  const signer = (await desk.logKeys.at(reader)).at(-1) as SigningKey
  for (const entry of await keyringKeys(reading)) await give(entry)
  await readAll(reading, give)
  // Whatever is wrong with the log would be found when it is restored, and nothing would be: better now.
  await requireWholeLog(reader, { tenant: desk.tenant, keys: desk.logKeys, macKeyOf: () => headKey })
  await handoff.give(entryBytes({ kind: 'end', rows, signature: signEd25519(signer, digest.end()) }))
}

/** The key of every epoch that there is in the snapshot: without one of them nothing in the archive could be restored. */
async function keyringKeys({ reader, desk }: Reading): Promise<ArchiveEntry[]> {
  const { settings, tenant, keyring } = desk
  const stored = await readKeyringRows(reader, tenant)
  if (stored.keyring.some(({ epoch }) => !keyring.epochs.has(epoch))) {
    throw new ConflictError('the keyring was changed at the same time: make another backup')
  }
  // What is known of them now: while the root key is asked, they may go.
  const known = stored.keyring.map(({ epoch }) => ({ epoch, fingerprint: keyring.epochs.of(epoch).fingerprint }))
  const entries: ArchiveEntry[] = []
  for (const { epoch, fingerprint } of known) {
    const wraps = [...stored.keyring, ...stored.wraps].filter((row) => row.epoch === epoch)
    const key = await unwrapKeyringKey(settings, wraps, keyringContext(tenant, epoch))
    if (!fingerprintOf(key).equals(fingerprint)) {
      throw new RootKeyMismatchError('the root key opened the keyring to another key')
    }
    entries.push({ kind: 'key', epoch, key })
  }
  return entries
}

interface Reading {
  readonly reader: AuthenticReader
  readonly head: Head
  readonly desk: KeyringDesk
  readonly signingKeys: boolean
}

async function readAll(reading: Reading, give: (entry: ArchiveEntry) => Promise<void>): Promise<void> {
  const { reader, head, desk } = reading
  const start = (await fetchAnswer(reader, desk.tenant, prunedLog))?.size ?? 0
  const count = { ofState: 0, records: 0 }
  for (const { name, primaryKey } of tables.filter((table) => !derived.includes(table.name))) {
    for await (const row of rowsOf(reading, name, primaryKey)) {
      if (isOfState(name)) count.ofState += 1
      if (name === 'records' && Number(row['seq']) >= start) count.records += 1
      await give(await entryOf(reading, name, row))
    }
  }
  // Each row was checked, and came once. What pages do not show would be missed by whoever restores it.
  if (count.ofState !== (await countListed(reader))) throw await missing(reader)
  if (count.records !== head.size - start) throw new StorageTamperedError('records of the log are missing')
}

const state = new Set(stateTables)

/** How many rows the state lists. */
async function countListed(reader: AuthenticReader): Promise<number> {
  let count = 0
  for (let from: number | undefined = 0; from !== undefined;) {
    const { items, next }: Listing<unknown> = await listEntries(reader, { tables: state, from })
    count += items.length
    from = next
  }
  return count
}

/** The error of a row that is missing: it tells which, where it is not merely left out of pages. */
async function missing(reader: AuthenticReader): Promise<Error> {
  for (let from: number | undefined = 0; from !== undefined;) {
    const { next, problem }: ListedRows = await listRows(reader, { tables: state, from })
    if (problem !== undefined) return problem
    from = next
  }
  return reader.tree.tampered('state_tree', [])
}

/** The rows of a table; of the heads the newest alone, and of the log no more than that has. */
async function* rowsOf(
  { reader, head, desk }: Reading,
  table: string,
  primaryKey: readonly string[],
): AsyncGenerator<Row> {
  if (table === 'heads') {
    yield* await reader.range(table, { prefix: [desk.tenant, head.size], limit: 1 })
    return
  }
  for (let after: Row | undefined; ;) {
    const from = after === undefined ? {} : { after: primaryKey.slice(1).map((column) => after?.[column] as string) }
    const rows = await reader.range(table, { prefix: [desk.tenant], ...from, limit: pageRows })
    yield* rows
    if (rows.length < pageRows) return
    after = rows.at(-1)
  }
}

/** A row as it goes into the archive. The private half of a key that signs stays where it is, unless it is asked for. */
async function entryOf({ reader, desk, signingKeys }: Reading, table: string, row: Row): Promise<ArchiveEntry> {
  if (signingKeys || table !== 'versions' || row['material'] === null) return { kind: 'row', table, row }
  const key = (await reader.get('keys', [desk.tenant, row['keyId'] as string])) as KeyRow | undefined
  if (key?.usage !== 'SIGN_VERIFY') return { kind: 'row', table, row }
  return { kind: 'withheld', table, row: { ...row, material: null }, hash: rowHash(table, row) }
}
