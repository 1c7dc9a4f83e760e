import type { SigningKey } from '../crypto/ed25519.ts'
import type { Head } from '../audit/head.ts'
import type { LogKeys } from '../audit/log-keys.ts'
import type { HeadGuard } from '../audit/head-guard.ts'
import type { AuthenticReader } from '../state/tree/authentic-reader.ts'
import type { Trees } from '../state/tree/trees.ts'
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
  /** The keys of the log, in force so far. */
  readonly logKeys: LogKeys
  /** Takes over epochs that other processes, or this one, have begun. */
  readonly learn: () => Promise<void>
  /** Reads the whole of one snapshot, whose head was checked, and checks every row of the state. */
  readonly authentic: Authentic
}

/** Reads from one snapshot for as long as it takes. */
export type Authentic = <T>(read: (reader: AuthenticReader, head: Head) => Promise<T>) => Promise<T>

/** Where the keyring of an open tenant is worked on. */
export class KeyringDesk implements DeskParts {
  readonly settings: Settings
  readonly tenant: string
  readonly keyring: Keyring
  readonly logKeys: LogKeys
  readonly learn: () => Promise<void>
  readonly authentic: Authentic
  #provider: string

  constructor(parts: DeskParts & { readonly foundation: KeyringState }) {
    this.settings = parts.settings
    this.tenant = parts.tenant
    this.keyring = parts.keyring
    this.logKeys = parts.logKeys
    this.learn = parts.learn
    this.authentic = parts.authentic
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

/** What a desk is made of, when a tenant is opened. */
export interface DeskOpening extends Omit<DeskParts, 'authentic'> {
  readonly guard: HeadGuard
  readonly trees: Trees
  readonly foundation: KeyringState
}

/** The desk of a tenant. */
export function openDesk({ guard, trees, foundation, ...parts }: DeskOpening): KeyringDesk {
  const authentic: Authentic = async (read) =>
    parts.settings.storage.snapshot(async (reader) => {
      const head = await guard.read(reader, guard.seen)
      return read(trees.reader(reader, head.stateRoot), head)
    })
  return new KeyringDesk({ ...parts, authentic, foundation })
}

/** The keyring as it is stored now. What is decided by it is decided again inside the transaction. */
export async function readStored(desk: KeyringDesk): Promise<KeyringState> {
  return glance(desk, async (reader) => readKeyringRows(reader, desk.tenant))
}

/** Reads rows as they are stored, to find what there is to do: nothing is believed of them. */
export async function glance<T>(desk: KeyringDesk, read: (reader: StorageReader) => Promise<T>): Promise<T> {
  return within(desk.settings, storageErrors(desk.settings.storage.snapshot(read)), late)
}

/** Reads from one snapshot what may be believed. @throws StorageTamperedError */
export async function proven<T>(desk: KeyringDesk, read: (reader: AuthenticReader) => Promise<T>): Promise<T> {
  return within(desk.settings, storageErrors(desk.authentic(read)), late)
}

/** The keys of the log that are in force now, the newest last. What they sign is compared inside the transaction. */
export async function signingKeys(desk: KeyringDesk): Promise<readonly SigningKey[]> {
  return proven(desk, async (reader) => desk.logKeys.at(reader))
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
