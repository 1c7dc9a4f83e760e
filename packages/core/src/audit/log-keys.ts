import { publicKeyOf, type SigningKey } from '../crypto/ed25519.ts'
import { StorageTamperedError } from '../errors.ts'
import { limits } from '../internal/defaults.ts'
import type { AuthenticReader } from '../state/tree/authentic-reader.ts'
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
 * signs, which key is in force there: by the state that the head names, since a key whose row is hidden would otherwise be
 * followed by the one before it, which has given way.
 */
export class LogKeys {
  readonly #parts: LogKeyParts
  #keys: readonly SigningKey[]
  /** The keys by the ids of their rows. */
  readonly #opened = new Map<unknown, SigningKey>()
  /** The root of the state that they were read of last. The state with another is read; one with the same says the same. */
  #root: Buffer | undefined

  /** @param keys - the keys known, version 1 first. */
  constructor(parts: LogKeyParts, keys: readonly SigningKey[]) {
    this.#parts = parts
    this.#keys = keys
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
  async at(reader: AuthenticReader): Promise<readonly SigningKey[]> {
    const { root } = reader.tree
    if (this.#root?.equals(root) === true) return this.#keys
    const rows = await reader.range('secrets', { prefix: [this.#parts.tenant, signingPurpose], limit: limits.items })
    const isGapless = rows.every((row, at) => row['version'] === at + 1)
    if (rows.length === 0 || !isGapless) throw new StorageTamperedError('a key of the audit log is missing')
    const keys = rows.map((row) => this.#open(row))
    this.#keys = keys
    this.#root = root
    return keys
  }

  #open(row: Row): SigningKey {
    const key = this.#opened.get(row['id']) ?? this.#parts.open(row)
    this.#opened.set(row['id'], key)
    return key
  }
}
