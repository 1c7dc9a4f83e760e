import { createDataKey, type CreateDataKeyRequest } from '../operations/create-data-key.ts'
import { getDataKey, type GetDataKeyRequest, type GetDataKeyResult } from '../operations/get-data-key.ts'
import { listDataKeys, type ListDataKeysRequest } from '../operations/list-data-keys.ts'
import { rotateDataKey, type RotateDataKeyRequest } from '../operations/rotate-data-key.ts'
import type { DataKeyDescription } from '../operations/shared/named-data-keys.ts'
import type { CallOptions } from '../call.ts'
import type { Listing } from './listing.ts'
import { listing, type Run } from './run.ts'

/** Data keys that are kept under a name, which is never stored: `kms.dataKeys`. */
export class DataKeys {
  readonly #run: Run

  /** @internal */
  constructor(run: Run) {
    this.#run = run
  }

  /**
   * Makes a data key and keeps it, sealed, under a name. Its bytes are for whoever may `get` it.
   *
   * @throws NameTakenError, KeyNotFoundError, InvalidKeyStateError, InvalidKeyUsageError
   */
  async generate(request: CreateDataKeyRequest, options?: CallOptions): Promise<DataKeyDescription> {
    return this.#run(createDataKey, request, options)
  }

  /**
   * A data key in clear: the version in use, or the one that is named. Use it, then `fill(0)` it.
   *
   * @throws KeyNotFoundError, InvalidKeyStateError
   * @throws InvalidCiphertextError with another encryption context than it was made with.
   */
  async get(request: GetDataKeyRequest, options?: CallOptions): Promise<GetDataKeyResult> {
    return this.#run(getDataKey, request, options)
  }

  /**
   * Puts a new version into use, and deprecates the one before, which can still be got by its number.
   *
   * @throws KeyNotFoundError, InvalidKeyStateError
   * @throws InvalidCiphertextError with another encryption context than it was made with.
   */
  async rotate(request: RotateDataKeyRequest, options?: CallOptions): Promise<DataKeyDescription> {
    return this.#run(rotateDataKey, request, options)
  }

  /** Named data keys of a key, or all: their ids, which are keyed hashes of their names, and what is known of them. */
  list(request: ListDataKeysRequest = {}, options?: CallOptions): Listing<DataKeyDescription> {
    return listing(this.#run, listDataKeys, { request, options })
  }
}
