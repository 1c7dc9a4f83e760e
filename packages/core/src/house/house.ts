import { late, storageErrors } from '../audit/live-view.ts'
import type { Mark } from '../audit/high-water-mark.ts'
import { ClosedError } from '../errors.ts'
import { within } from '../internal/patience.ts'
import type { Settings } from '../options.ts'
import type { Page } from '../runtime.ts'
import { NodeCache } from '../state/tree/node-cache.ts'
import { tables } from '../storage/tables.ts'
import { anyKeyring, findFoundation, layFoundation } from './foundation.ts'
import { openKeyring, rootKeyId } from './keyring-row.ts'
import { Keyring } from '../keys/keyring.ts'
import { readMark, refusal } from './marking.ts'
import { isMoved } from './moving.ts'
import { openTenant, type Tenant } from './tenant.ts'

/** How often a tenant is read anew whose keyring moved while it was opened. */
const triesToOpen = 5

/** One storage with the tenants that are open in this process. */
export class House {
  readonly settings: Settings
  readonly #nodes = new NodeCache()
  readonly #tenants = new Map<string, Promise<Tenant>>()
  /** The keyring of the first tenant, when it existed: the root key is asked once. */
  #proved: { readonly tenant: string; readonly keyring: Keyring } | undefined
  /** How many audit records the storage wants to keep. */
  #keepRecords: number | undefined
  #closing: Promise<void> | undefined

  constructor(settings: Settings) {
    this.settings = settings
  }

  /**
   * Opens storage and first tenant. The root key is proved on what is stored before migrations write.
   *
   * @param restore - puts the tenant there, where it is not to be made
   */
  async begin(restore?: () => Promise<void>): Promise<Tenant> {
    const { storage, rootKeys, tenant } = this.settings
    for (const rootKey of rootKeys) await rootKeyId(this.settings, rootKey)
    const { exists, keepRecords } = await within(this.settings, storageErrors(storage.open(tables)), late)
    this.#keepRecords = keepRecords
    try {
      if (exists) await this.#proveRootKey()
      // Without a deadline: a migration takes as long as there is to migrate.
      await storageErrors(storage.migrate())
      await restore?.()
      return await this.open(tenant, restore === undefined)
    } catch (error) {
      await storage.close().catch(() => undefined)
      throw error
    }
  }

  /** A tenant, opened once per process. @throws TenantNotFoundError unless it exists or is to be made. */
  async open(tenant: string, make: boolean): Promise<Tenant> {
    if (this.#closing !== undefined) throw new ClosedError('the KMS is closed')
    const known = this.#tenants.get(tenant)
    if (known !== undefined) return known
    const opening = this.#load(tenant, make)
    this.#tenants.set(tenant, opening)
    opening.catch(() => this.#tenants.delete(tenant))
    return opening
  }

  /** The next tenants of the storage by their ids, as the database says. */
  async tenantsAfter(id: string | undefined, limit: number): Promise<Page<string>> {
    if (this.#closing !== undefined) throw new ClosedError('the KMS is closed')
    const from = id === undefined ? {} : { after: [id] }
    const reading = this.settings.storage.snapshot(async (reader) =>
      reader.range('locks', { prefix: [], ...from, limit }),
    )
    const items = (await within(this.settings, storageErrors(reading), late)).map((row) => row['tenant'] as string)
    return items.length < limit ? { items } : { items, cursor: items.at(-1) as string }
  }

  /** Closes every tenant, then the storage. May be called twice. */
  async close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #load(tenant: string, make: boolean): Promise<Tenant> {
    for (let left = triesToOpen - 1; ; left--) {
      try {
        return await this.#loadOnce(tenant, make)
      } catch (error) {
        if (left === 0 || !isMoved(error)) throw error
        this.#proved = undefined
      }
    }
  }

  async #loadOnce(tenant: string, make: boolean): Promise<Tenant> {
    const remembered = await readMark(this.settings, tenant)
    if (remembered !== undefined) await this.#expectTenant(tenant, remembered)
    const foundation = await layFoundation(tenant, this.settings, make)
    const proved = this.#proved?.tenant === tenant ? this.#proved.keyring : undefined
    const common = { settings: this.settings, keepRecords: this.#keepRecords, nodes: this.#nodes }
    return openTenant({ tenant, foundation, proved, remembered, ...common })
  }

  /** A database that lost a tenant is no place for a new one of that name, unless somebody says so. */
  async #expectTenant(tenant: string, { size }: Mark): Promise<void> {
    if (this.settings.acceptRollback !== undefined) return
    if ((await findFoundation(tenant, this.settings)) !== undefined) return
    throw refusal(`the database knows nothing of the tenant, whose log had ${size} records`)
  }

  async #proveRootKey(): Promise<void> {
    const { tenant, random } = this.settings
    const foundation = await findFoundation(tenant, this.settings)
    const keyring = new Keyring(random)
    await openKeyring(keyring, foundation ?? (await anyKeyring(this.settings)), this.settings)
    if (foundation !== undefined) this.#proved = { tenant, keyring }
  }

  async #close(): Promise<void> {
    const tenants = await Promise.allSettled(this.#tenants.values())
    for (const tenant of tenants) if (tenant.status === 'fulfilled') await tenant.value.close()
    await within(this.settings, storageErrors(this.settings.storage.close()), late)
  }
}
