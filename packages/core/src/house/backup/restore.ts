import { prove } from '../proven.ts'
import { verifyEd25519 } from '../../crypto/ed25519.ts'
import { secretKey } from '../../crypto/secret-key.ts'
import { ConflictError, InvalidRequestError, StorageTamperedError } from '../../errors.ts'
import { wipe } from '../../internal/bytes.ts'
import type { Settings } from '../../options.ts'
import type { RootKey } from '../../root-key/root-key.ts'
import type { VersionRow } from '../../state/rows.ts'
import { rowsAs } from '../../state/rows.ts'
import { NodeCache } from '../../state/tree/node-cache.ts'
import { isOfState, keyOf } from '../../state/tree/place.ts'
import type { StorageTransaction } from '../../storage/adapter.ts'
import { tables } from '../../storage/tables.ts'
import { readFoundation } from '../foundation.ts'
import { emptyTree } from '../genesis.ts'
import { rootKeyId, unwrapWith } from '../keyring-row.ts'
import { ArchiveDigest, entriesOf, type ArchiveEntry } from './entries.ts'
import { noArchive, readHeader, type ArchiveHeader } from './header.ts'
import { RecoveredRootKey } from './recovered-root-key.ts'
import { openAll } from './sealing.ts'
import { requireWholeLog } from './whole-log.ts'

/** An archive, and what opens it. */
export interface Restoring {
  readonly archive: AsyncIterable<Uint8Array> | Iterable<Uint8Array>
  readonly recoveryKey: RootKey
}

/** What was restored. */
export interface Restored {
  /** Opens the keyring as it is stored, until it hangs on another root key. */
  readonly rootKey: RecoveredRootKey
  /** Versions that came without their material. */
  readonly withheld: readonly VersionRow[]
}

/**
 * Writes an archive into a storage that has nothing of its tenant, in one transaction, and verifies all of it before that
 * is committed: the archive's signature, the tenant from its keyring up, the root of its state over the rows that were
 * written, and the whole log. A crash, or whatever is wrong, leaves nothing.
 *
 * @throws InvalidCiphertextError, ConflictError, StorageTamperedError, RootKeyMismatchError and others of the root key
 */
export async function restore(settings: Settings, { archive, recoveryKey }: Restoring): Promise<Restored> {
  const opened = await openArchive(settings, recoveryKey, archive)
  const { tenant } = opened.header
  if (tenant !== settings.tenant) throw new InvalidRequestError(`the archive is of the tenant ${tenant}: name it`)
  return settings.storage.transact(tenant, async (tx) => {
    await requireNothing(tx, tenant)
    const restoration = new Restoration(settings, tx, opened.headerBytes)
    for await (const { entry, bytes } of entriesOf(opened.plaintext)) await restoration.take(entry, bytes)
    return restoration.finish()
  })
}

async function openArchive(settings: Settings, recoveryKey: RootKey, archive: Restoring['archive']): Promise<Opened> {
  const source = bytesOf(archive)
  let begun = Buffer.alloc(0)
  for (;;) {
    const read = readHeader(begun)
    if (read !== undefined) {
      const key = await archiveKey(settings, recoveryKey, read.header)
      const rest = begun.subarray(read.bytes.length)
      const plaintext = openAll({ secret: secretKey(key), context: read.bytes }, after(rest, source))
      return { header: read.header, headerBytes: read.bytes, plaintext }
    }
    const next = await source.next()
    if (next.done === true) throw noArchive()
    begun = Buffer.concat([begun, next.value])
  }
}

interface Opened {
  readonly header: ArchiveHeader
  readonly headerBytes: Buffer
  readonly plaintext: AsyncIterable<Buffer>
}

async function archiveKey(settings: Settings, recoveryKey: RootKey, header: ArchiveHeader): Promise<Buffer> {
  // Called before anything else, as it has to be.
  await rootKeyId(settings, recoveryKey)
  const context = { tenant: header.tenant, epoch: 1, purpose: 'backup' } as const
  return unwrapWith(settings, recoveryKey, { bytes: Buffer.from(header.wrapped, 'base64url'), context })
}

async function* bytesOf(archive: Restoring['archive']): AsyncGenerator<Buffer> {
  for await (const bytes of archive) {
    if (!(bytes instanceof Uint8Array)) throw new InvalidRequestError('the archive is not a stream of bytes')
    yield Buffer.from(bytes)
  }
}

async function* after(first: Buffer, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  yield first
  yield* rest
}

/** Nothing is ever restored over something, be it whole or not. @throws ConflictError */
async function requireNothing(tx: StorageTransaction, tenant: string): Promise<void> {
  for (const { name } of tables) {
    const [row] = await tx.range(name, { prefix: [tenant], limit: 1 })
    if (row !== undefined) throw new ConflictError('the storage has rows of this tenant: restore into an empty one')
  }
}

/** One restoration, in its transaction. */
class Restoration {
  readonly #settings: Settings
  readonly #tx: StorageTransaction
  readonly #digest: ArchiveDigest
  readonly #rootKey = new RecoveredRootKey()
  readonly #tree: ReturnType<typeof emptyTree>
  readonly #withheld: VersionRow[] = []
  #rows = 0
  #signed: { readonly digest: Buffer; readonly signature: Buffer } | undefined

  constructor(settings: Settings, tx: StorageTransaction, header: Buffer) {
    this.#settings = settings
    this.#tx = tx
    this.#digest = new ArchiveDigest(header)
    this.#tree = emptyTree(settings.tenant)
  }

  async take(entry: ArchiveEntry, bytes: Buffer): Promise<void> {
    // Nothing comes after the end.
    if (this.#signed !== undefined) throw noArchive()
    if (entry.kind === 'end') {
      if (entry.rows !== this.#rows) throw noArchive()
      this.#signed = { digest: this.#digest.end(), signature: entry.signature }
      return
    }
    this.#digest.add(bytes)
    if (entry.kind !== 'key') return this.#insert(entry)
    this.#rootKey.add(entry.epoch, entry.key)
    wipe(bytes)
  }

  async #insert(entry: Exclude<ArchiveEntry, { kind: 'key' | 'end' }>): Promise<void> {
    const { table, row } = entry
    if (row['tenant'] !== this.#settings.tenant) throw noArchive()
    await this.#tx.insert(table, row)
    this.#rows += 1
    if (entry.kind === 'withheld') {
      await this.#tree.putEntry({ table, key: keyOf(table, row), rev: row['rev'] as number, hash: entry.hash })
      this.#withheld.push(...rowsAs<VersionRow>([row]))
    } else if (isOfState(table)) await this.#tree.put(table, row)
  }

  async finish(): Promise<Restored> {
    const { tenant } = this.#settings
    if (this.#signed === undefined) throw noArchive()
    await this.#tree.write(this.#tx)
    this.#tree.keep()
    const foundation = await readFoundation(this.#tx, tenant)
    if (foundation === undefined) throw noArchive()
    const storage = {
      ...this.#settings.storage,
      snapshot: async <T>(read: (tx: StorageTransaction) => Promise<T>) => read(this.#tx),
    }
    const settings = { ...this.#settings, rootKeys: [this.#rootKey], storage } as unknown as Settings
    const proven = await prove({
      tenant,
      settings,
      foundation,
      proved: undefined,
      remembered: undefined,
      keepRecords: undefined,
      nodes: new NodeCache(),
    })
    const { keys, head, macKeyOf } = proven
    if (!verifyEd25519(keys.all.at(-1) as Buffer, this.#signed.digest, this.#signed.signature)) throw noArchive()
    if (!head.stateRoot.equals(this.#tree.root))
      throw new StorageTamperedError('the rows are not the state of the head')
    await requireWholeLog(this.#tx, { tenant, keys, macKeyOf })
    return { rootKey: this.#rootKey, withheld: this.#withheld }
  }
}
