import type { CallOptions } from '../call.ts'
import type { RootKey } from '../root-key/root-key.ts'

/** What is backed up, and for whom. */
export interface BackupOptions extends CallOptions {
  /** The root key that opens the archive again: another one than the house hangs on, kept elsewhere. */
  readonly recoveryKey: RootKey
  /**
   * Whether the private halves of keys that sign are in it. A signature is worth what it is because nobody else can make
   * it; what was signed stays verifiable without. @defaultValue false
   */
  readonly signingKeys?: boolean | undefined
}
