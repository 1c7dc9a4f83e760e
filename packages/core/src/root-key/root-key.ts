/** What a wrapped keyring key is for. Bound into the wrapping, so that one tenant's or epoch's never opens as another's. */
export interface RootKeyContext {
  /** The tenant. */
  readonly tenant: string
  /** Keyring epoch, from 1. */
  readonly epoch: number
  /** What the wrapped key is for: a keyring key in the database, or the key of a backup. */
  readonly purpose: 'keyring' | 'backup'
}

/** What a root key says of itself. Nothing in here is secret. */
export interface RootKeyDescription {
  /**
   * Names the key, and stays the same for the same key: well-formed text of 1 to 1,024 characters without NUL, stored
   * with what it wraps.
   */
  readonly id: string
}

/**
 * What holds the root key. It is asked once per tenant and process start, never per key or operation, and again where
 * root keys are rotated, keyring epochs begin, and backups are made.
 *
 * **Wrapping** 32 bytes gives what opens only with the same key and context, to the same 32 bytes; changed by a single
 * bit it does not open. The same bytes may be wrapped to something else every time. Nothing is taken of a wrapped key
 * but that it opens: it is no name and no proof.
 *
 * **Side by side:** every method may be called again with the same arguments, and while others run.
 *
 * **Returning** means that it is done. **Throwing** a `KmsError` says why not: `ROOT_KEY_MISSING` where there is no key,
 * `ROOT_KEY_MISMATCH` where it is there and does not open this, now or ever, `ROOT_KEY_UNAVAILABLE` where nobody knows
 * (an outage, no permission, a key that is disabled): the same call may succeed later. Anything else that is thrown is
 * taken as `ROOT_KEY_UNAVAILABLE` with that as its cause, so causes carry no secrets. Nothing is ever made up: a key that
 * is not opened is not replaced by another.
 *
 * **Not answering:** each call is given up after `deadlineMs`. Whoever retries does so within that time.
 *
 * **Memory:** what is passed in is not kept, and not changed: the caller wipes it. What is handed out belongs to the
 * caller, who wipes it too, so it is never handed out twice.
 */
export interface RootKey {
  /**
   * Says which key it is. Called before anything else, and before anything is written.
   *
   * @throws RootKeyMissingError when there is no key.
   */
  describe(): Promise<RootKeyDescription>
  /** Wraps 32 bytes. The result, at most 64 KiB, opens only with the same key and context. */
  wrap(keyringKey: Uint8Array, context: RootKeyContext): Promise<Uint8Array>
  /** The inverse. @throws RootKeyMismatchError when it was wrapped by another key or for another context. */
  unwrap(wrapped: Uint8Array, context: RootKeyContext): Promise<Uint8Array>
  /**
   * Whether it may open what the key of this name wrapped. A text is compared, nobody is asked.
   *
   * @defaultValue whether it is the name that `describe` gives
   */
  readonly opens?: ((id: string) => boolean) | undefined
}
