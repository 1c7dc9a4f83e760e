import type { Verification, VerifyOptions } from './audit/verification.ts'
import { HeadGuard, type MacKeys } from './audit/head-guard.ts'
import { readEnd, verifyChain } from './audit/verify.ts'
import { withState, type StateSource } from './audit/verify-state.ts'
import { prunedLog } from './audit/pruned.ts'
import { Pseudonyms } from './audit/pseudonym.ts'
import { secretKey } from './crypto/secret-key.ts'
import { randomBytesOf } from './crypto/randomness.ts'
import { publicKeyOf, type SigningKey } from './crypto/ed25519.ts'
import { isKmsError, UnsupportedOnThisRuntimeError, type KmsError } from './errors.ts'
import { late, storageErrors } from './audit/live-view.ts'
import { within } from './internal/patience.ts'
import { Listing } from './face/listing.ts'
import { findFoundation } from './house/foundation.ts'
import { openKeyring } from './house/keyring-row.ts'
import { openSecrets, type HouseSecrets } from './house/secrets.ts'
import { faultOfMark } from './house/marking.ts'
import { originOf } from './house/proven.ts'
import { Keyring } from './keys/keyring.ts'
import { NameIndex } from './keys/name-index.ts'
import { describeKey, type DescribeKeyRequest } from './operations/describe-key.ts'
import { listStoredAudit, type ListAuditRequest, type StoredRecord } from './operations/list-audit.ts'
import { listGrants, type ListGrantsRequest } from './operations/list-grants.ts'
import { listKeys } from './operations/list-keys.ts'
import type { GrantDescription } from './operations/shared/grants.ts'
import type { KeyDescription } from './operations/shared/keys.ts'
import type { PageRequest } from './operations/shared/pages.ts'
import { readOptions, type KmsOptions, type Settings } from './options.ts'
import { readUnrecorded } from './unrecorded.ts'
import type { House, Page, UseOperation } from './runtime.ts'
import { fetchAnswer } from './state/query.ts'
import { Alarm } from './state/tree/alarm.ts'
import { NodeCache } from './state/tree/node-cache.ts'
import { Trees } from './state/tree/trees.ts'
import type { StorageReader } from './storage/adapter.ts'
import { tables } from './storage/tables.ts'
import type { LogSize, WalkParts } from './walk-parts.ts'

/** What to look at. */
export type InspectOptions = Pick<KmsOptions, 'storage' | 'rootKey' | 'previousRootKeys' | 'tenant' | 'highWaterMark'>

/** What was found wrong when a store was opened for inspection. */
export type InspectProblem = Pick<KmsError, 'code' | 'message'>

/**
 * Opens a store to look at it, damaged or not: it writes nothing, refuses nothing, and reports everything. What it
 * shows was not authorized, and is not recorded: whoever has root key and database could read it anyway.
 *
 * @throws RootKeyMissingError, StorageUnavailableError, InvalidRequestError: only where there is nothing to look at.
 * @example
 * ```ts
 * import { envRootKey, inspectKms } from '@chatelaine/core'
 * import { sqliteStorage } from '@chatelaine/storage-sqlite'
 *
 * const look = async (): Promise<unknown> => {
 *   const storage = sqliteStorage({ filename: 'copy.db', migrate: false })
 *   const inspection = await inspectKms({ storage, rootKey: envRootKey('KMS_ROOT_KEY') })
 *   return inspection.audit.verify()
 * }
 * ```
 */
export async function inspectKms(options: InspectOptions): Promise<Inspection> {
  const settings = readOptions(options)
  const { storage, tenant } = settings
  const problems: InspectProblem[] = []
  const note = (error: unknown): undefined => {
    if (!isKmsError(error)) throw error
    problems.push({ code: error.code, message: error.message })
  }
  await within(settings, storageErrors(storage.open(tables)), late)
  const foundation = await findFoundation(tenant, settings).catch(note)
  const keyring = new Keyring(settings.random)
  await openKeyring(keyring, foundation ?? { keyring: [], wraps: [] }, settings).catch(note)
  let secrets: HouseSecrets | undefined
  try {
    secrets = openSecrets(keyring, foundation?.secrets ?? [])
  } catch (error) {
    note(error)
  }
  const origin = originOf(foundation?.genesis)
  if (secrets !== undefined) {
    const macKeyOf: MacKeys = (epoch) => keyring.headMacKey(epoch)
    const log = { tenant, origin, publicKeys: secrets.signing.map(publicKeyOf), macKeyOf }
    const fault = await faultOfMark(settings, log).catch(note)
    if (fault !== undefined) problems.push({ code: 'ROLLBACK_DETECTED', message: fault })
  }
  return new Inspection({ settings, keyring, secrets, problems, origin })
}

interface InspectionParts {
  readonly settings: Settings
  readonly keyring: Keyring
  readonly secrets: HouseSecrets | undefined
  readonly problems: readonly InspectProblem[]
  readonly origin: string
}

/** A store that is looked at. */
export class Inspection {
  readonly #parts: InspectionParts

  /** @internal */
  constructor(parts: InspectionParts) {
    this.#parts = parts
  }

  /** What was wrong at opening: a keyring that does not open, secrets that are missing, a log that does not fit its mark. */
  get problems(): readonly InspectProblem[] {
    return this.#parts.problems
  }

  /** The audit log, as it is stored. */
  readonly audit = {
    /** Verifies the log, and names the first thing that is wrong. */
    verify: async (options: VerifyOptions = {}): Promise<Verification> => {
      const { settings, secrets, origin, keyring } = this.#parts
      const { storage, tenant } = settings
      const macKeyOf: MacKeys = (epoch) => keyring.headMacKey(epoch)
      const found = await verifyChain(
        {
          tenant,
          origin,
          publicKey: secrets === undefined ? undefined : publicKeyOf(secrets.signing[0] as SigningKey),
          macKeyOf,
          allKeys: () => secrets?.signing.map(publicKeyOf) ?? [],
          pruned: async () => stateIn(this.#parts).snapshot(async (reader) => fetchAnswer(reader, tenant, prunedLog)),
          snapshot: async (read) => storage.snapshot(read),
        },
        options,
      )
      return withState(found, { tenant, macKeyOf, ...stateIn(this.#parts) }, options)
    },
    /** Its records, damaged ones among them. */
    list: (request: ListAuditRequest = {}): Listing<StoredRecord> => this.#list(listStoredAudit, request),
  }

  /** Keys, without their material. */
  readonly keys = {
    /** Describes one. */
    get: async (request: DescribeKeyRequest): Promise<KeyDescription> => this.#read(describeKey, request),
    /** Describes all. */
    list: (request: PageRequest = {}): Listing<KeyDescription> => this.#list(listKeys, request),
  }

  /** Grants. */
  readonly grants = {
    /** Lists them. */
    list: (request: ListGrantsRequest = {}): Listing<GrantDescription> => this.#list(listGrants, request),
  }

  /** Closes the storage. */
  async close(): Promise<void> {
    this.#parts.keyring.clear()
    await this.#parts.settings.storage.close()
  }

  #list<Q extends object, P, T>(operation: UseOperation<Q, P, Page<T>>, request: Q): Listing<T> {
    const page = async (more: { cursor?: string }): Promise<Page<T>> => this.#read(operation, { ...request, ...more })
    return new Listing(
      async () => page({}),
      async (cursor) => page({ cursor }),
    )
  }

  async #read<Q, P, R>(operation: UseOperation<Q, P, R>, input: Q): Promise<R> {
    const call = { actor: { id: 'inspector', role: 'admin' }, options: undefined } as const
    return readUnrecorded(walkParts(this.#parts), operation, { input, call })
  }
}

/** The state as it is stored, with the head that is there. */
function stateIn({ settings, keyring }: InspectionParts): Omit<StateSource, 'tenant' | 'macKeyOf'> {
  const { storage, tenant } = settings
  const trees = new Trees(tenant, new NodeCache(), new Alarm())
  const guard = new HeadGuard(tenant, (epoch) => keyring.headMacKey(epoch))
  return {
    knowsEpoch: (epoch) => keyring.epochs.has(epoch),
    mayLackTables: true,
    snapshot: async (read) =>
      storage.snapshot(async (reader) => {
        const head = await guard.read(reader, undefined)
        return read(trees.reader(reader, head.stateRoot), head)
      }),
  }
}

/** Reads as it is stored: no cache, no head to check. */
function walkParts({ settings, keyring, secrets }: InspectionParts): WalkParts {
  const { storage, tenant, clock, random, timers } = settings
  const macKeyOf: MacKeys = (epoch) => keyring.headMacKey(epoch)
  // What lies beyond an authentic head is not part of the log; without one, everything is shown.
  const sizeOf = async (reader: StorageReader): Promise<LogSize> =>
    (await readEnd(reader, { tenant, macKeyOf })).head ?? { size: Infinity, revision: 0 }
  return {
    tenant,
    clock,
    keyring,
    tools: { random, timers },
    revision: () => 0,
    pseudonyms: new Pseudonyms(secrets?.pii ?? secretKey(randomBytesOf(random, 32))),
    names: new NameIndex(secrets?.names ?? secretKey(randomBytesOf(random, 32))),
    house: closedHouse,
    view: {
      read: async (query) => storage.snapshot(async (reader) => fetchAnswer(reader, tenant, query)),
      snapshot: async (read) => storage.snapshot(async (reader) => read(reader, await sizeOf(reader))),
    },
  }
}

const absent = async (): Promise<never> => {
  throw new UnsupportedOnThisRuntimeError('an inspected store serves nothing')
}

/** No operation that is run here asks the house. */
const closedHouse: House = {
  verify: absent,
  nextCommit: absent,
  health: absent,
  retention: { plan: absent },
  anchoring: { states: [], publish: absent },
  proofs: { checkpoint: absent, inclusion: absent, consistency: absent, verifierKey: absent, exportPlan: absent },
}
