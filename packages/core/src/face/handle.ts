import { InvalidRequestError } from '../errors.ts'
import { describeKey } from '../operations/describe-key.ts'
import { disableKey } from '../operations/disable-key.ts'
import { enableKey } from '../operations/enable-key.ts'
import type { GetPublicKeyRequest } from '../operations/get-public-key.ts'
import { rotateKey, type RotateKeyRequest } from '../operations/rotate-key.ts'
import type { KeyDescription } from '../operations/shared/keys.ts'
import type { CallOptions } from '../call.ts'
import type { KeySpec, KeyUsage } from '../state/rows.ts'
import { requireObject } from './text.ts'
import type { Run } from './run.ts'

/** Which key a handle is of. */
export interface KeyIdentity {
  /** What operations call it: id or name. */
  readonly reference: string
  /** What it is for. */
  readonly usage: KeyUsage
  /** Its id, where known. */
  readonly id?: string | undefined
  /** Its name, where known. */
  readonly name?: string | undefined
  /** What it is, where known. */
  readonly spec?: KeySpec | undefined
}

/**
 * A key to work with: its identity and the verbs of its usage, never a snapshot of its state. Whatever a method throws
 * is a {@link KmsError}. What it can do depends on what it is for: see the classes that extend this one.
 *
 * @example
 * ```ts
 * import type { Kms } from '@chatelaine/core'
 *
 * const store = async (kms: Kms, iban: string): Promise<string> => kms.key('customers').encryptText(iban)
 * const sign = async (kms: Kms, text: string) => kms.key('invoices', 'SIGN_VERIFY').sign(text)
 * ```
 */
export abstract class KeyHandle {
  readonly #run: Run
  readonly #reference: string
  /** Its name, where it has one. */
  readonly name: string | undefined
  /** What it is for. */
  readonly usage: KeyUsage
  /** Its id, once known. */
  readonly id: string | undefined
  /** What it is, once known. */
  readonly spec: KeySpec | undefined

  /** @internal */
  constructor(run: Run, identity: KeyIdentity) {
    this.#run = run
    this.#reference = identity.reference
    this.name = identity.name
    this.usage = identity.usage
    this.id = identity.id
    this.spec = identity.spec
  }

  /** What is known of the key now. */
  async describe(options?: CallOptions): Promise<KeyDescription> {
    return this.#run(describeKey, { key: this.#reference }, options)
  }

  /** Makes a new version current; what older ones protected can still be processed. */
  async rotate(options: RotateOptions = {}): Promise<KeyDescription> {
    const [call, fields] = split(options)
    return this.#run(rotateKey, { ...fields, key: this.#reference }, call)
  }

  /** Disables the key until it is enabled again. */
  async disable(options: StateOptions = {}): Promise<KeyDescription> {
    const [call, fields] = split(options)
    return this.#run(disableKey, { ...fields, key: this.#reference }, call)
  }

  /** Enables the key again. */
  async enable(options: StateOptions = {}): Promise<KeyDescription> {
    const [call, fields] = split(options)
    return this.#run(enableKey, { ...fields, key: this.#reference }, call)
  }
}

/** Options of a handle's `rotate`. */
export type RotateOptions = Omit<RotateKeyRequest, 'key'> & CallOptions

/** Options of a handle's `disable` and `enable`. */
export interface StateOptions extends CallOptions {
  /** Why, at most 256 characters. Recorded. */
  readonly reason?: string | undefined
}

/** Options of a handle's `getPublicKey`. */
export type PublicKeyOptions = Omit<GetPublicKeyRequest, 'key'> & CallOptions

/** The options of the call, and what remains: fields of the request. @throws InvalidRequestError */
export function split<T extends CallOptions>(options: T): [CallOptions, Omit<T, keyof CallOptions>] {
  const { signal, requestId, idempotencyKey, ifMatch, ...fields } = requireObject(options, 'options')
  const once = idempotencyKey === undefined ? {} : { idempotencyKey }
  const unchanged = ifMatch === undefined ? {} : { ifMatch }
  return [{ signal, requestId, ...once, ...unchanged }, fields]
}

/** The items of a many-verb, each of this key. @throws InvalidRequestError */
export function withKey<T extends object>(items: readonly T[], key: string): (T & { readonly key: string })[] {
  if (!Array.isArray(items)) throw new InvalidRequestError('the items are not an array')
  return items.map((item) => ({ ...item, key }))
}
