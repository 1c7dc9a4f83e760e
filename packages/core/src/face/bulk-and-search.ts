import { blindIndex } from '../operations/blind-index.ts'
import { blindIndexes, type BlindIndexesResult } from '../operations/blind-indexes.ts'
import { deterministicDecrypt, type DeterministicDecryptRequest } from '../operations/deterministic-decrypt.ts'
import { deterministicEncrypt } from '../operations/deterministic-encrypt.ts'
import { needsReEncryptMany, type NeedsReEncryptManyRequest } from '../operations/needs-re-encrypt-many.ts'
import type { NeedsReEncryptManyResult } from '../operations/needs-re-encrypt-many.ts'
import { needsReEncrypt } from '../operations/needs-re-encrypt.ts'
import type { BlindIndexRequest, BlindIndexResult } from '../operations/shared/blind-indexes.ts'
import type { DeterministicEncryptRequest } from '../operations/shared/deterministic.ts'
import type { DecryptResult, EncryptResult } from '../operations/shared/messages.ts'
import type { NeedsReEncryptRequest, NeedsReEncryptResult } from '../operations/shared/re-encryption-needs.ts'
import type { CallOptions } from '../call.ts'
import { reEncryptAll } from './re-encrypt-all.ts'
import type { ReEncryptAllOptions, ReEncryptAllResult, ReEncryptSource } from './re-encryption.ts'
import type { Run } from './run.ts'
import { StreamingClient } from './streaming-client.ts'

/** The verbs of a client for whole tables and for finding encrypted values again. */
export abstract class BulkAndSearch extends StreamingClient {
  readonly #run: Run

  /** @internal */
  constructor(run: Run) {
    super(run)
    this.#run = run
  }

  /** Whether a message is under anything but the current version of its key, or of another. It is not opened. @throws InvalidCiphertextError */
  async needsReEncrypt(request: NeedsReEncryptRequest, options?: CallOptions): Promise<NeedsReEncryptResult> {
    return this.#run(needsReEncrypt, request, options)
  }

  /** The same of many messages, with one record per key. @throws LimitExceededError */
  async needsReEncryptMany(
    request: NeedsReEncryptManyRequest,
    options?: CallOptions,
  ): Promise<NeedsReEncryptManyResult> {
    return this.#run(needsReEncryptMany, request, options)
  }

  /**
   * Puts a whole table under the current version of its keys, or under another key: reads the source, passes over what
   * needs nothing, re-encrypts the rest in batches and hands them to `write`. What was interrupted is called again.
   *
   * @throws whatever the source, `write` or `checkpoint` throws, besides what `reEncryptMany` throws
   */
  async reEncryptAll(source: ReEncryptSource, options: ReEncryptAllOptions): Promise<ReEncryptAllResult> {
    return reEncryptAll(this.#run, source, options)
  }

  /** Makes the blind index of a value by the current version of a key: the one to store. @throws InvalidKeyUsageError, InvalidKeyStateError */
  async blindIndex(request: BlindIndexRequest, options?: CallOptions): Promise<BlindIndexResult> {
    return this.#run(blindIndex, request, options)
  }

  /** Makes the blind indexes of a value by every usable version of a key: those to look it up by. @throws InvalidKeyUsageError, InvalidKeyStateError */
  async blindIndexes(request: BlindIndexRequest, options?: CallOptions): Promise<BlindIndexesResult> {
    return this.#run(blindIndexes, request, options)
  }

  /** Encrypts a value so that equal ones are equal encrypted, under a key made for it. @throws InvalidKeyUsageError, LimitExceededError */
  async deterministicEncrypt(request: DeterministicEncryptRequest, options?: CallOptions): Promise<EncryptResult> {
    return this.#run(deterministicEncrypt, request, options)
  }

  /** Decrypts what `deterministicEncrypt` returned, with the key version that it names. @throws InvalidCiphertextError, InvalidKeyStateError */
  async deterministicDecrypt(request: DeterministicDecryptRequest, options?: CallOptions): Promise<DecryptResult> {
    return this.#run(deterministicDecrypt, request, options)
  }
}
