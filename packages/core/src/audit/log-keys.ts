import { publicKeyOf, type SigningKey } from '../crypto/ed25519.ts'
import { StorageTamperedError } from '../errors.ts'
import { limits } from '../internal/defaults.ts'
import type { StorageReader } from '../storage/adapter.ts'
import type { Row } from '../storage/table.ts'

/** The purpose of the secret that signs checkpoints. */
export const signingPurpose = 'audit-signing'

/** What the log's keys are opened with. */
export interface LogKeyParts {
  readonly tenant: string
  /** Opens the row of a key. @throws StorageTamperedError */
  readonly open: (row: Row) => SigningKey
}

/**
 * The keys that sign the log's checkpoints, one after the other: version 1 from genesis on, and a further one with each
 * rotation, which another process may have done. So whoever signs asks, in the snapshot or transaction whose head it
 * signs, which key is in force there.
 */
export class LogKeys {
  readonly #parts: LogKeyParts
  readonly #keys: SigningKey[]

  /** @param keys - the keys known, version 1 first. */
  constructor(parts: LogKeyParts, keys: readonly SigningKey[]) {
    this.#parts = parts
    this.#keys = [...keys]
  }

  /** The key of genesis, with which a verification begins. */
  get first(): Buffer {
    return publicKeyOf(this.#keys[0] as SigningKey)
  }

  /** The public keys that are known, that of genesis first. */
  get all(): readonly Buffer[] {
    return this.#keys.map(publicKeyOf)
  }

  /** The keys in force so far, in the state that a reader sees: the newest last. @throws StorageTamperedError */
  async at(reader: StorageReader): Promise<readonly SigningKey[]> {
    const prefix = [this.#parts.tenant, signingPurpose]
    const [newest] = await reader.range('secrets', { prefix, order: 'desc', limit: 1 })
    const version = (newest?.['version'] as number | undefined) ?? 0
    if (version > this.#keys.length) {
      const after = [this.#keys.length]
      for (const row of await reader.range('secrets', { prefix, after, limit: limits.items })) this.#add(row)
    }
    if (version < 1 || version > this.#keys.length) throw new StorageTamperedError('a key of the audit log is missing')
    return this.#keys.slice(0, version)
  }

  #add(row: Row): void {
    if (row['version'] === this.#keys.length + 1) this.#keys.push(this.#parts.open(row))
  }
}
