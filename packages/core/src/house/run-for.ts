import { ClosedError, InvalidRequestError } from '../errors.ts'
import { parseOptions, type CallOptions } from '../call.ts'
import type { Run } from '../face/run.ts'
import { ownOnly, readOwn } from '../internal/own.ts'
import { once } from '../operations/shared/once.ts'
import { whileUnchanged } from '../operations/shared/unchanged.ts'
import type { Operation, UseOperation } from '../runtime.ts'
import type { Actor } from '../stages.ts'
import type { ByteTransform } from '../stream-session.ts'
import type { StreamOperation } from '../streaming.ts'
import type { Tenant } from './tenant.ts'

/** Whether a KMS was closed: it and all clients that came from it. */
export interface Life {
  ended: boolean
}

/** Runs operations in a tenant, for somebody. */
export function runFor(
  { tenant, life }: { tenant: Tenant; life: Life },
  actor: Actor,
  requestId: string | undefined,
): Run {
  const { pipeline, watch, herald } = tenant
  const requireOpen = (): void => {
    if (life.ended || tenant.isClosed()) throw new ClosedError('the KMS is closed')
  }
  const call = (options: CallOptions | undefined): { actor: Actor; options: CallOptions | undefined } => ({
    actor,
    options: requestId === undefined ? options : { ...options, requestId: ownOnly(options)?.requestId ?? requestId },
  })
  const run = async <Q, P, R>(operation: Operation<Q, P, R>, request: Q, options?: CallOptions): Promise<R> => {
    requireOpen()
    const asked = repeatable(operation, request, options)
    const { action, effect } = operation
    const work = (): Promise<R> => {
      const proof = mayAnswerAnyway(operation) ? undefined : tenant.vigil.require()
      const walk = (): Promise<R> => pipeline.run(asked, request, call(options))
      return proof === undefined ? walk() : answered(proof, { herald, action }).then(walk)
    }
    return watch === undefined ? work() : watch({ operation: action, effect, role: actor.role }, work)
  }
  const onward = async <Q, P, R>(operation: UseOperation<Q, P, R>, request: Q, options?: CallOptions): Promise<R> => {
    requireOpen()
    const proof = tenant.vigil.require()
    if (proof !== undefined) await answered(proof, { herald, action: operation.action })
    return pipeline.onward(operation, request, call(options))
  }
  const stream = <Q, P>(operation: StreamOperation<Q, P>, request: Q, options?: CallOptions): ByteTransform => {
    requireOpen()
    return pipeline.stream(operation, request, { ...call(options), owner: life, proof: () => tenant.vigil.require() })
  }
  const { nextCommit, dataKeys } = tenant
  return Object.assign(run, { onward, stream, house: { isHere: true as const, nextCommit, dataKeys, actor } })
}

/** Waits for the root key. Whom it refuses did nothing, of which there is no record: so it is told. */
async function answered(
  proof: Promise<void>,
  { herald, action }: { readonly herald: Tenant['herald']; readonly action: string },
): Promise<void> {
  try {
    await proof
  } catch (error) {
    herald.sawRefusal(error, action)
    throw error
  }
}

/** What is answered although it may not be recorded is answered although the root key may not answer. */
function mayAnswerAnyway<Q, P, R>(operation: Operation<Q, P, R>): boolean {
  return operation.effect !== 'change' && operation.mark !== undefined
}

/** An operation as its caller's options want it: once under a name, or only while a key is what it was. @throws InvalidRequestError */
function repeatable<Q, P, R>(operation: Operation<Q, P, R>, request: Q, options?: CallOptions): Operation<Q, P, R> {
  // Nearly all calls are without one, and options that are no object are refused later.
  if (typeof options !== 'object' || options === null) return operation
  if (!Object.hasOwn(options, 'idempotencyKey') && !Object.hasOwn(options, 'ifMatch')) return operation
  const { idempotencyKey, ifMatch } = parseOptions(options)
  const asked = ifMatch === undefined ? operation : whileUnchanged(operation, ifMatch)
  if (idempotencyKey === undefined) return asked
  if (asked.effect !== 'change') throw new InvalidRequestError('only a change takes an idempotencyKey')
  // What was done is not judged again by what it has made of the key.
  return once(asked, idempotencyKey, readOwn(request))
}
