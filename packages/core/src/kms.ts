import { scheduling } from './change-walk.ts'
import { ClosedError, InvalidRequestError } from './errors.ts'
import type { BackupOptions } from './face/backup-options.ts'
import { KmsClient } from './face/client.ts'
import { backup } from './house/backup/backup.ts'
import { Listing } from './face/listing.ts'
import { runFor, type Life } from './house/run-for.ts'
import { RootKeys } from './face/root-keys.ts'
import type { Run } from './face/run.ts'
import { requireObject } from './face/text.ts'
import { House } from './house/house.ts'
import type { Tenant } from './house/tenant.ts'
import { readOptions, readPrincipal, readTenant, type KmsOptions, type Principal } from './options.ts'
import type { Page } from './runtime.ts'
import { Scheduler } from './scheduler/scheduler.ts'
import { maxRangeLimit } from './storage/table.ts'
import { eventTypes, type KmsEvents, type KmsEventType } from './signals/event.ts'

/** Options of {@link Kms.as}. */
export interface AsOptions {
  /** The request id of every call that does not bring its own. @defaultValue none */
  readonly requestId?: string | undefined
}

/**
 * A key management service, as the application that embeds it holds it: a {@link KmsClient} bound to the application's
 * own principal, and what only the owner of the house has.
 */
export class Kms extends KmsClient {
  readonly #house: House
  readonly #tenant: Tenant
  readonly #life: Life
  readonly #isOwner: boolean
  readonly #run: Run
  /** What ends the listeners that came through this KMS. */
  readonly #stops = new Set<() => void>()
  /** The tenants of this storage. */
  readonly tenants: Tenants
  /** What this tenant hangs on. */
  readonly rootKey: RootKeys
  /** What becomes of keys by themselves. */
  readonly scheduler: Scheduler

  /** @internal */
  constructor(house: House, tenant: Tenant, isOwner: boolean) {
    const life = { ended: false }
    const run = runFor({ tenant, life }, house.settings.actor, undefined)
    super(run)
    this.#run = run
    this.rootKey = new RootKeys(tenant.desk, run)
    this.#life = life
    this.#isOwner = isOwner
    this.#house = house
    this.#tenant = tenant
    this.tenants = new Tenants(house)
    const { clock, timers, random } = house.settings
    const isClosed = (): boolean => life.ended || tenant.isClosed()
    const runScheduled = runFor({ tenant, life }, scheduling, undefined)
    this.scheduler = new Scheduler({ run: runScheduled, clock, timers, random, isClosed })
  }

  /**
   * The same tenant, bound to somebody else, without what only the owner has. A bare string is a principal with the
   * role `service`. The host vouches for who it is.
   *
   * @throws InvalidRequestError
   */
  as(who: Principal, options: AsOptions = {}): KmsClient {
    const { requestId } = requireObject(options, 'options')
    return new KmsClient(runFor({ tenant: this.#tenant, life: this.#life }, readPrincipal(who), requestId))
  }

  /**
   * Calls back for what happens in this tenant, once it is durable, and a turn of the event loop later. It tells of what
   * this process recorded; `audit.tail()` tells of all. Neither what a listener throws nor how long it takes comes back
   * to an operation. Returns how to stop; closing this KMS stops it too.
   *
   * @throws InvalidRequestError for a type that there is not; ClosedError
   * @example
   * ```ts
   * import type { Kms } from '@chatelaine/core'
   *
   * const watch = (kms: Kms): void => {
   *   kms.on('denial', ({ principal, action, keyId }) => console.warn('denied', principal, action, keyId))
   *   kms.on('tampering', ({ code, message }) => console.error(code, message))
   * }
   * ```
   */
  on<T extends KmsEventType>(type: T, listener: (event: KmsEvents[T]) => unknown): () => void {
    if (this.#life.ended || this.#tenant.isClosed()) throw new ClosedError('the KMS is closed')
    if (!eventTypes.includes(type)) throw new InvalidRequestError('there is no such event')
    if (typeof listener !== 'function') throw new InvalidRequestError('the listener is not a function')
    const stop = this.#tenant.herald.on(type, listener)
    this.#stops.add(stop)
    return () => {
      this.#stops.delete(stop)
      stop()
    }
  }

  /** The KMS of another tenant. @throws TenantNotFoundError */
  async tenant(id: string): Promise<Kms> {
    return new Kms(this.#house, await this.#house.open(readTenant(id), false), false)
  }

  /**
   * Streams an archive of this tenant: its keys, grants, principals, named data keys and its whole audit log, as they are
   * in one snapshot, encrypted under a key that the recovery root key wraps, and signed. {@link restoreKms} takes it.
   * Whoever has archive and recovery root key has everything, so it is recorded before the first byte, and only an admin
   * may. It has to be read to its end, or left, before the KMS is closed.
   *
   * @throws AccessDeniedError, InvalidRequestError, StorageTamperedError for a row or a log that does not verify
   * @throws RootKeyMissingError, RootKeyMismatchError, RootKeyUnavailableError
   * @example
   * ```ts
   * import { createWriteStream } from 'node:fs'
   * import { pipeline } from 'node:stream/promises'
   * import { fileRootKey, type Kms } from '@chatelaine/core'
   *
   * const keep = async (kms: Kms): Promise<void> =>
   *   pipeline(kms.backup({ recoveryKey: fileRootKey('/mnt/escrow/recovery.key') }), createWriteStream('kms.backup'))
   * ```
   */
  backup(options: BackupOptions): AsyncIterable<Buffer> {
    const { recoveryKey, ...rest } = requireObject(options, 'options')
    if (typeof recoveryKey?.wrap !== 'function') throw new InvalidRequestError('recoveryKey is not a root key')
    return backup(this.#tenant.desk, this.#run, { ...rest, recoveryKey })
  }

  /**
   * Takes nothing more, waits for the records of what is running, signs the logs, and closes the storage. The KMS of
   * another tenant only ends itself, its clients and their streams: the storage is closed with the KMS that opened it.
   */
  async close(): Promise<void> {
    this.#life.ended = true
    // A job of the host's that does not heed its signal holds up no closing.
    void this.scheduler.stop()
    if (this.#isOwner) await this.#house.close()
    else await this.#tenant.pipeline.streams.end(this.#life)
    for (const stop of this.#stops) stop()
  }

  /** The same as {@link Kms.close}, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

/** The tenants of a storage: `kms.tenants`. */
export class Tenants {
  readonly #house: House

  /** @internal */
  constructor(house: House) {
    this.#house = house
  }

  /** The KMS of a tenant, which is made if it does not exist: own keyring key, keys, grants and audit log. */
  async ensure(id: string): Promise<Kms> {
    return new Kms(this.#house, await this.#house.open(readTenant(id), true), false)
  }

  /**
   * The ids of all tenants of the storage, in order, up to 1,000 a page: for what has to be done for each of them. They
   * are what the database says. It belongs to no tenant, so that it is in nobody's log.
   *
   * @throws InvalidRequestError, ClosedError, StorageUnavailableError
   * @example
   * ```ts
   * import type { Kms, RootKey } from '@chatelaine/core'
   *
   * const rotateAll = async (kms: Kms, to: RootKey): Promise<void> => {
   *   for await (const id of kms.tenants.list()) await (await kms.tenant(id)).rootKey.rotate({ to })
   * }
   * ```
   */
  list(request: ListTenantsRequest = {}): Listing<string> {
    const { limit = maxRangeLimit, cursor } = requireObject(request, 'request')
    if (!Number.isInteger(limit) || limit < 1 || limit > maxRangeLimit) {
      throw new InvalidRequestError(`limit is 1 to ${maxRangeLimit}`)
    }
    const page = async (from: string | undefined): Promise<Page<string>> =>
      this.#house.tenantsAfter(from === undefined ? undefined : readTenant(from), limit)
    return new Listing(async () => page(cursor), page)
  }
}

/** Which tenants to list. */
export interface ListTenantsRequest {
  /** At most so many a page, 1 to 1,000. @defaultValue 1000 */
  readonly limit?: number | undefined
  /** Goes on where a page ended. @defaultValue from the first */
  readonly cursor?: string | undefined
}

/**
 * Opens a key management service.
 *
 * The root key is asked first, and checked against what is stored before anything is written.
 *
 * @throws RootKeyMissingError, RootKeyMismatchError, RootKeyUnavailableError
 * @throws StorageUnavailableError, StorageTamperedError, InvalidRequestError
 * @example
 * ```ts
 * import { createKms, generateRootKey, localRootKey } from '@chatelaine/core'
 * import { memoryStorage } from '@chatelaine/storage-memory'
 *
 * const kms = await createKms({ storage: memoryStorage(), rootKey: localRootKey(generateRootKey()) })
 * const orders = await kms.keys.ensure({ name: 'orders', spec: 'AES_256' })
 * const { ciphertext } = await orders.encrypt('4711')
 * await kms.close()
 * ```
 */
export async function createKms(options: KmsOptions): Promise<Kms> {
  const settings = readOptions(options)
  const house = new House(settings)
  return new Kms(house, await house.begin(), true)
}
