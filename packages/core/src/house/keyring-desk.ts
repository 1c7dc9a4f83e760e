import type { SigningKey } from '../crypto/ed25519.ts'
import type { Keyring } from '../keys/keyring.ts'
import type { KeyringState } from '../keys/keyring-store.ts'
import type { Settings } from '../options.ts'
import { late, storageErrors } from '../audit/live-view.ts'
import { within } from '../internal/patience.ts'
import type { StorageReader } from '../storage/adapter.ts'
import { rootKeyId } from './keyring-row.ts'
import { readKeyringRows } from './foundation.ts'
import type { RootKey } from '../root-key/root-key.ts'

/** What a desk works with: the root keys, the rows, and what opens and signs them. */
export interface DeskParts {
  readonly settings: Settings
  readonly tenant: string
  readonly keyring: Keyring
  readonly signing: SigningKey
  /** Takes over epochs that other processes, or this one, have begun. */
  readonly learn: () => Promise<void>
}

/** Where the keyring of an open tenant is worked on. */
export class KeyringDesk implements DeskParts {
  readonly settings: Settings
  readonly tenant: string
  readonly keyring: Keyring
  readonly signing: SigningKey
  readonly learn: () => Promise<void>
  #provider: string

  constructor(parts: DeskParts & { readonly foundation: KeyringState }) {
    this.settings = parts.settings
    this.tenant = parts.tenant
    this.keyring = parts.keyring
    this.signing = parts.signing
    this.learn = parts.learn
    this.#provider = parts.foundation.keyring.at(-1)?.provider ?? ''
  }

  /** The name of the root key in use, as far as this process knows. */
  get provider(): string {
    return this.#provider
  }

  /** From now on this process wraps what is new with another root key. */
  use({ rootKey, id }: Named): void {
    const { rootKeys } = this.settings
    const at = rootKeys.indexOf(rootKey)
    if (at !== -1) rootKeys.splice(at, 1)
    rootKeys.unshift(rootKey)
    this.#provider = id
  }
}

/** The keyring as it is stored now. What is decided by it is decided again inside the transaction. */
export async function readStored(desk: KeyringDesk): Promise<KeyringState> {
  return glance(desk, async (reader) => readKeyringRows(reader, desk.tenant))
}

/** Reads rows as they are stored, to find what there is to do: nothing is believed of them. */
export async function glance<T>(desk: KeyringDesk, read: (reader: StorageReader) => Promise<T>): Promise<T> {
  return within(desk.settings, storageErrors(desk.settings.storage.snapshot(read)), late)
}

/** The names of the configured root keys, the current one first. */
export async function configured(desk: KeyringDesk): Promise<readonly Named[]> {
  const named: Named[] = []
  for (const rootKey of desk.settings.rootKeys) named.push({ rootKey, id: await rootKeyId(desk.settings, rootKey) })
  return named
}

/** A root key and its name. */
export interface Named {
  readonly rootKey: RootKey
  readonly id: string
}
