import { readFileSync } from 'node:fs'
import path from 'node:path'

/** Where the databases are kept. */
export const databases: string = path.join(import.meta.dirname, '../../vectors/databases')

/** Something to open, and what comes out. */
export interface KeptMessage {
  /** A word on what it is. */
  readonly what: string
  /** The verb that opens it. @defaultValue decrypt */
  readonly verb?: 'deterministicDecrypt' | 'decryptDataKey'
  /** The key, where the ciphertext does not name it. */
  readonly key?: string
  readonly algorithm?: string
  readonly context?: Readonly<Record<string, string>>
  /** In base64url. */
  readonly ciphertext: string
  /** Opened by the right of an admin to open what was revoked. */
  readonly allowRevoked?: true
  /** A text; of a data key its bytes, in base64url. */
  readonly plaintext: string
}

/** What a kept database holds. */
export interface Expectations {
  /** A root key for tests only, in hex. */
  readonly rootKey: string
  /** When it was closed, in milliseconds since 1970. */
  readonly closedAt: number
  /** Both keys of the log, the one in force last. */
  readonly verifierKeys: readonly string[]
  /** A checkpoint that was kept while it was made, with a record that it covers. */
  readonly checkpoint: { readonly size: number; readonly note: string; readonly seq: number; readonly record: string }
  /** How many records it has. */
  readonly size: number
  /** Its keys: name and state, in one word each. */
  readonly keys: readonly string[]
  readonly aliases: Readonly<Record<string, string>>
  /** Names of grants, and whose they are. */
  readonly grants: readonly string[]
  /** What its quotas say, of what descriptions of quotas say. */
  readonly quotas: readonly object[]
  readonly messages: readonly KeptMessage[]
  /** What must not open, and the code of the error. */
  readonly refused: readonly (Omit<KeptMessage, 'plaintext' | 'allowRevoked'> & { readonly code: string })[]
  /** Named data keys, in hex. */
  readonly dataKeys: readonly { readonly reference: string; readonly version: number; readonly plaintext: string }[]
  /** MACs and signatures over texts, in hex. */
  readonly macs: readonly { readonly key: string; readonly message: string; readonly mac: string }[]
  readonly signatures: readonly {
    readonly key: string
    readonly algorithm: string
    readonly message: string
    readonly signature: string
  }[]
}

/** What is expected of a kept database. */
export function expectationsOf(folder: string): Expectations {
  return JSON.parse(readFileSync(path.join(databases, folder, 'expected.json'), 'utf8')) as Expectations
}
