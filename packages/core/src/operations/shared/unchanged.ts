import { InvalidRequestError, PreconditionFailedError } from '../../errors.ts'
import type { ChangeOperation, ChangeWalk, Operation } from '../../runtime.ts'
import { keyTag } from './key-tag.ts'
import { describeKeyRow } from './keys.ts'

/** Changes of one key that there is, which is `key` in their requests. */
const changesOfKeys: ReadonlySet<string> = new Set([
  'updateKey',
  'rotateKey',
  'disableKey',
  'enableKey',
  'revokeKey',
  'scheduleKeyDeletion',
  'cancelKeyDeletion',
  'trimKey',
  'importKeyMaterial',
  'deleteImportedKeyMaterial',
])

/** Whether an operation takes an `ifMatch`: it is a change of one key that there is. */
export function isChangeOfKey({
  effect,
  action,
}: Pick<Operation<never, never, unknown>, 'effect' | 'action'>): boolean {
  return effect === 'change' && changesOfKeys.has(action)
}

/** Refuses an operation that takes no `ifMatch`. @throws InvalidRequestError */
export function requireChangeOfKey<Q, P, R>(
  operation: Operation<Q, P, R>,
): asserts operation is ChangeOperation<Q, P, R> {
  if (!isChangeOfKey(operation)) throw new InvalidRequestError('only a change of a key takes an ifMatch')
}

/**
 * A change of a key that is done only while the key has this tag: compared in the transaction that does it, after it was
 * authorized.
 *
 * @throws InvalidRequestError for whatever is no change of a key
 */
export function whileUnchanged<Q, P, R>(operation: Operation<Q, P, R>, tag: string): ChangeOperation<Q, P, R> {
  requireChangeOfKey(operation)
  const { action } = operation
  const perform = async (request: P, change: ChangeWalk): Promise<R> => {
    const key = await change.key(action, (request as { readonly key: string }).key)
    if (keyTag(describeKeyRow(key)) !== tag) throw new PreconditionFailedError('the key is no longer what ifMatch says')
    return operation.perform(request, change)
  }
  return { ...operation, perform }
}
