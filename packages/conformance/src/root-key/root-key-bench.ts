import { isKmsError } from '@chatelaine/core'
import type { RootKey, RootKeyContext } from '@chatelaine/core/root-key'
import { randomBytes } from 'node:crypto'
import { expect } from 'vitest'

/** Where root keys come from. */
export interface RootKeys {
  create(): Promise<() => RootKey>
  readonly missing: (() => RootKey) | undefined
}

/** What a test of a root key works with. */
export class RootKeyBench {
  readonly #keys: RootKeys

  constructor(keys: RootKeys) {
    this.#keys = keys
  }

  /** A fresh key. Each call of what it gives is another instance with that key. */
  create(): Promise<() => RootKey> {
    return this.#keys.create()
  }

  /** A provider without a key. */
  missing(): RootKey {
    if (this.#keys.missing === undefined) throw new Error('It was not said how the key can be missing.')
    return this.#keys.missing()
  }
}

/** Some sentences of the contract, each with what shows whether it is kept. */
export type RootKeySection = Readonly<Record<string, (bench: RootKeyBench) => Promise<void>>>

/** A context as the library makes it. */
export const context: RootKeyContext = { tenant: 'default', epoch: 1, purpose: 'keyring' }

/** A new keyring key. */
export const keyringKey = (): Uint8Array => Uint8Array.from(randomBytes(32))

/** Expects a promise to be rejected with a `KmsError` of this code. */
export async function expectCode(
  promise: Promise<unknown>,
  code: 'ROOT_KEY_MISMATCH' | 'ROOT_KEY_MISSING',
): Promise<void> {
  const error: unknown = await promise.then(
    () => new Error('It was expected to fail.'),
    (reason: unknown) => reason,
  )
  expect(isKmsError(error) ? error.code : error).toBe(code)
}
