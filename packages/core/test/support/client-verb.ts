import type { GrantOperation, KmsClient } from '../../src/index.ts'

/** What a verb is tried on. The messages hold JSON, so that every form of decryption opens them. */
export interface Target {
  /** Id or name of the key. */
  readonly key: string
  readonly message: Buffer
  /** A wrapped message. */
  readonly wrapped: Buffer
  readonly dataKey: Buffer
  /** Id of a grant on the key. */
  readonly grant: string
}

/** A verb of the client. */
export interface ClientVerb {
  /** What a service must have been granted, all of it; `undefined` for what no grant gives. */
  readonly needs: readonly GrantOperation[] | undefined
  /** Whether an auditor may do it without a grant. */
  readonly auditor?: true
  /** Whether every active principal may do it. */
  readonly open?: true
  /** Whether it names a key, or a ciphertext that does. */
  readonly names?: 'key' | 'message' | 'grant'
  readonly run: (client: KmsClient, on: Target) => Promise<unknown>
}
