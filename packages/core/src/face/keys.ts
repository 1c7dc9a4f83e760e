import { cancelKeyDeletion, type CancelKeyDeletionRequest } from '../operations/cancel-key-deletion.ts'
import { createKey, ensureKey, type CreateKeyRequest, type EnsureKeyRequest } from '../operations/create-key.ts'
import { deleteImportedKeyMaterial } from '../operations/delete-imported-key-material.ts'
import type { DeleteImportedKeyMaterialRequest } from '../operations/delete-imported-key-material.ts'
import { describeKeyDefaults } from '../operations/describe-key-defaults.ts'
import { describeKey, type DescribeKeyRequest } from '../operations/describe-key.ts'
import { disableKey } from '../operations/disable-key.ts'
import { enableKey } from '../operations/enable-key.ts'
import { exportKey, type ExportKeyRequest, type ExportKeyResult } from '../operations/export-key.ts'
import { getParametersForImport } from '../operations/get-parameters-for-import.ts'
import type {
  GetParametersForImportRequest,
  GetParametersForImportResult,
} from '../operations/get-parameters-for-import.ts'
import { importKeyMaterial, type ImportKeyMaterialRequest } from '../operations/import-key-material.ts'
import { listKeyVersions, type ListKeyVersionsRequest } from '../operations/list-key-versions.ts'
import { listKeys, type ListKeysRequest } from '../operations/list-keys.ts'
import { revokeKey, type RevokeKeyRequest } from '../operations/revoke-key.ts'
import { rotateKey, type RotateKeyRequest } from '../operations/rotate-key.ts'
import { scheduleKeyDeletion, type ScheduleKeyDeletionRequest } from '../operations/schedule-key-deletion.ts'
import type { ScheduledKeyDeletion } from '../operations/schedule-key-deletion.ts'
import type { KeyStateRequest } from '../operations/shared/key-state.ts'
import type { KeyDescription, KeyVersionDescription } from '../operations/shared/keys.ts'
import type { KeyDurations, KeyPolicyDescription } from '../operations/shared/policies.ts'
import { trimKey, type TrimKeyRequest, type TrimKeyResult } from '../operations/trim-key.ts'
import { updateKeyDefaults } from '../operations/update-key-defaults.ts'
import { updateKey, type UpdateKeyRequest } from '../operations/update-key.ts'
import type { CallOptions } from '../call.ts'
import type { UsageOf } from '../operations/shared/purpose.ts'
import { handleTo, type HandleOf } from './handles.ts'
import type { Listing } from './listing.ts'
import { listing, type Run } from './run.ts'

/** Keys and their lives: `kms.keys`. Every method may throw `ACCESS_DENIED`, `INVALID_REQUEST` and what P1 implies. */
export class Keys {
  readonly #run: Run

  /** @internal */
  constructor(run: Run) {
    this.#run = run
  }

  /**
   * Makes a key, and gives a handle to it. A service that makes one receives a grant of `manageKey` on it.
   *
   * @throws NameTakenError when another key has the name.
   */
  async create<const P extends CreateKeyRequest>(request: P, options?: CallOptions): Promise<HandleOf<UsageOf<P>>> {
    return this.#handle<P>(await this.#run(createKey, request, options))
  }

  /**
   * The key of a name, or a new one: for code that runs at every start.
   *
   * @throws ConflictError when the key of that name has another spec or usage.
   */
  async ensure<const P extends EnsureKeyRequest>(request: P, options?: CallOptions): Promise<HandleOf<UsageOf<P>>> {
    return this.#handle<P>(await this.#run(ensureKey, request, options))
  }

  /** What is known of a key. @throws KeyNotFoundError */
  async get(request: DescribeKeyRequest, options?: CallOptions): Promise<KeyDescription> {
    return this.#run(describeKey, request, options)
  }

  /** The keys that the caller may describe. */
  list(request: ListKeysRequest = {}, options?: CallOptions): Listing<KeyDescription> {
    return listing(this.#run, listKeys, { request, options })
  }

  /** A key's versions, oldest first. @throws KeyNotFoundError */
  listVersions(request: ListKeyVersionsRequest, options?: CallOptions): Listing<KeyVersionDescription> {
    return listing(this.#run, listKeyVersions, { request, options })
  }

  /** Changes description, tags, owner, policies or `minDecryptVersion`. @throws KeyNotFoundError, InvalidKeyStateError */
  async update(request: UpdateKeyRequest, options?: CallOptions): Promise<KeyDescription> {
    return this.#run(updateKey, request, options)
  }

  /** Makes a new version current; old ciphertexts keep opening. @throws KeyNotFoundError, InvalidKeyStateError */
  async rotate(request: RotateKeyRequest, options?: CallOptions): Promise<KeyDescription> {
    return this.#run(rotateKey, request, options)
  }

  /** Disables a key, or one version. @throws KeyNotFoundError, InvalidKeyStateError */
  async disable(request: KeyStateRequest, options?: CallOptions): Promise<KeyDescription> {
    return this.#run(disableKey, request, options)
  }

  /** Enables a disabled key, or makes a disabled version what it was. @throws KeyNotFoundError, InvalidKeyStateError */
  async enable(request: KeyStateRequest, options?: CallOptions): Promise<KeyDescription> {
    return this.#run(enableKey, request, options)
  }

  /** Revokes a key, or one version, for ever. @throws KeyNotFoundError, InvalidKeyStateError */
  async revoke(request: RevokeKeyRequest, options?: CallOptions): Promise<KeyDescription> {
    return this.#run(revokeKey, request, options)
  }

  /**
   * Destroys versions below `minDecryptVersion` that were retired or revoked 7 days ago or more, for ever.
   *
   * @throws KeyNotFoundError, InvalidKeyStateError
   */
  async trim(request: TrimKeyRequest, options?: CallOptions): Promise<TrimKeyResult> {
    return this.#run(trimKey, request, options)
  }

  /** What new keys have where nobody says otherwise. Admins and auditors only. */
  async getDefaults(options?: CallOptions): Promise<KeyPolicyDescription> {
    return this.#run(describeKeyDefaults, {}, options)
  }

  /** Changes what new keys have where nobody says otherwise; `null` ends it. Keys that there are stay. Admins only. */
  async updateDefaults(request: KeyDurations, options?: CallOptions): Promise<KeyPolicyDescription> {
    return this.#run(updateKeyDefaults, request, options)
  }

  /**
   * Schedules a key's deletion, 7 to 30 days ahead, and says when it was last used.
   *
   * @throws KeyNotFoundError, InvalidKeyStateError when its policies refuse it, too
   */
  async scheduleDeletion(request: ScheduleKeyDeletionRequest, options?: CallOptions): Promise<ScheduledKeyDeletion> {
    return this.#run(scheduleKeyDeletion, request, options)
  }

  /** Calls a deletion off before it is due; the key is then disabled, or revoked as before. @throws KeyNotFoundError, InvalidKeyStateError */
  async cancelDeletion(request: CancelKeyDeletionRequest, options?: CallOptions): Promise<KeyDescription> {
    return this.#run(cancelKeyDeletion, request, options)
  }

  /**
   * What it takes to import material into a key of origin `EXTERNAL`: a public key to wrap it under, and a token.
   *
   * @throws KeyNotFoundError, InvalidKeyStateError
   */
  async getParametersForImport(
    request: GetParametersForImportRequest,
    options?: CallOptions,
  ): Promise<GetParametersForImportResult> {
    return this.#run(getParametersForImport, request, options)
  }

  /**
   * Imports wrapped material; the key is then `Enabled`. A version takes the same material again, never another.
   *
   * @throws KeyNotFoundError, InvalidKeyStateError, InvalidCiphertextError when it does not unwrap
   * @throws ConflictError for other material than the version has, or had
   */
  async importKeyMaterial(request: ImportKeyMaterialRequest, options?: CallOptions): Promise<KeyDescription> {
    return this.#run(importKeyMaterial, request, options)
  }

  /** Deletes imported material; the key waits for the same to be imported again. @throws KeyNotFoundError, InvalidKeyStateError */
  async deleteImportedKeyMaterial(
    request: DeleteImportedKeyMaterialRequest,
    options?: CallOptions,
  ): Promise<KeyDescription> {
    return this.#run(deleteImportedKeyMaterial, request, options)
  }

  /**
   * The material of a key that was created `exportable`, wrapped under a public key of the caller's.
   *
   * @throws KeyNotFoundError, InvalidKeyStateError, InvalidKeyUsageError when the key is not exportable
   */
  async export(request: ExportKeyRequest, options?: CallOptions): Promise<ExportKeyResult> {
    return this.#run(exportKey, request, options)
  }

  #handle<P>({ id, name, spec, usage }: KeyDescription): HandleOf<UsageOf<P>> {
    return handleTo(this.#run, { reference: id, id, name, spec, usage }) as HandleOf<UsageOf<P>>
  }
}
