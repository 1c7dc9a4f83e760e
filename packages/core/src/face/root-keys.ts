import type { CallOptions } from '../call.ts'
import { InvalidRequestError } from '../errors.ts'
import type { KeyringDesk } from '../house/keyring-desk.ts'
import { rewrap } from '../house/rewrapping.ts'
import { rotate } from '../house/root-key-rotation.ts'
import { rootKeyStatus } from '../house/root-key-status.ts'
import type { RewrapOptions, Rewrapping, RootKeyRotation } from './root-key-options.ts'
import type { RootKeyStatus, RotateRootKeyOptions } from './root-key-options.ts'
import type { Run } from './run.ts'
import { requireObject } from './text.ts'

/** What a tenant hangs on: `kms.rootKey`. Only an admin may ask, and only an admin may change it. */
export class RootKeys {
  readonly #desk: KeyringDesk
  readonly #run: Run

  /** @internal */
  constructor(desk: KeyringDesk, run: Run) {
    this.#desk = desk
    this.#run = run
  }

  /**
   * Tells which keyring epochs and root keys everything hangs on. It looks through every row with material, a thousand at
   * a time.
   *
   * @throws AccessDeniedError, StorageUnavailableError, RootKeyMissingError
   */
  async status(options: CallOptions = {}): Promise<RootKeyStatus> {
    return rootKeyStatus(this.#desk, this.#run, requireObject(options, 'options'))
  }

  /**
   * Lets the tenant hang on another root key, while everything goes on. Its keyring keys are wrapped by it, what was
   * stored is opened again as a proof, and it takes the place of the one before, whose wrappings stay beside it until
   * `retire`. How long it takes does not depend on how many keys there are. It may be interrupted and repeated.
   *
   * This process then wraps with it whatever is new. The others keep their configuration: give them the new one as
   * `rootKey`, the old one among `previousRootKeys`.
   *
   * @throws AccessDeniedError, InvalidRequestError, ConflictError where somebody else rotates too
   * @throws RootKeyMissingError, RootKeyMismatchError, RootKeyUnavailableError: the old one, which has to open, or the new
   * @example
   * ```ts
   * import { fileRootKey, type Kms } from '@chatelaine/core'
   *
   * const move = async (kms: Kms): Promise<void> => {
   *   await kms.rootKey.rotate({ to: fileRootKey('/etc/kms/root.key') })
   *   // … every process is restarted with the new root key …
   *   await kms.rootKey.rotate({ retire: true })
   *   await kms.rootKey.rewrap({ onProgress: ({ moved }) => console.log(moved) })
   * }
   * ```
   */
  async rotate(options: RotateRootKeyOptions = {}): Promise<RootKeyRotation> {
    const { to, ...rest } = requireObject(options, 'options')
    if (to !== undefined && typeof to.wrap !== 'function') throw new InvalidRequestError('to is not a root key')
    return rotate(this.#desk, this.#run, { ...rest, to })
  }

  /**
   * Moves all material to a keyring key that the root key before has never wrapped: a new keyring epoch. Whoever has the
   * old root key and an old copy of the database gets nothing with them from a newer copy. Rows are moved in batches, each
   * one recorded change, while everything goes on; the old epochs are removed when nothing is under them, by what the
   * authenticated state lists: while a row is missing, they stay. It may be interrupted and repeated; repeated without
   * need it changes nothing.
   *
   * Other processes learn a new epoch from the root key, at their next operation.
   *
   * @throws AccessDeniedError, InvalidRequestError, ConflictError, StorageTamperedError for material that does not open
   *   or is missing
   * @throws RootKeyMissingError, RootKeyMismatchError, RootKeyUnavailableError, AbortedError
   */
  async rewrap(options: RewrapOptions = {}): Promise<Rewrapping> {
    return rewrap(this.#desk, this.#run, requireObject(options, 'options'))
  }
}
