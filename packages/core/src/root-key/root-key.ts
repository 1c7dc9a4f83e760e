/** What a wrapped keyring key is for. Bound into the wrapping, so that one tenant's or epoch's never opens as another's. */
export interface RootKeyContext {
  /** The tenant. */
  readonly tenant: string
  /** Keyring epoch, from 1. */
  readonly epoch: number
  /** What the wrapped key is for. */
  readonly purpose: 'keyring'
}

/**
 * What holds the root key. It is asked once per tenant and process start, never per key or operation.
 *
 * Both methods may be called side by side and again with the same arguments. **Returning** means that it is done;
 * **throwing** a `KmsError` (`ROOT_KEY_MISMATCH`, `ROOT_KEY_UNAVAILABLE`, `ROOT_KEY_MISSING`) says why not, anything
 * else is taken as `ROOT_KEY_UNAVAILABLE`. The caller wipes what `unwrap` returns, so it is never handed out twice.
 */
export interface RootKey {
  /**
   * Names the key, not its secret, and stays the same for the same key: stored with what it wraps. Called before
   * anything else, and before anything is written.
   *
   * @throws RootKeyMissingError when there is no key.
   */
  id(): Promise<string>
  /** Wraps 32 bytes. The result opens only with the same key and context. */
  wrap(keyringKey: Uint8Array, context: RootKeyContext): Promise<Uint8Array>
  /** The inverse. @throws RootKeyMismatchError when it was wrapped by another key or for another context. */
  unwrap(wrapped: Uint8Array, context: RootKeyContext): Promise<Uint8Array>
}
