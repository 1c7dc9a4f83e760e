import { aborted } from '../audit/queue.ts'
import { parse, parseOptions, tagged, type CallOptions } from '../call.ts'
import { dataKeyScopeSchema, type DataKeyScope, type LentDataKey } from '../operations/use-data-key.ts'
import { InvalidRequestError } from '../errors.ts'
import type { AuditRecord, Operation, Schema, UseOperation } from '../runtime.ts'
import { requireChangeOfKey } from '../operations/shared/unchanged.ts'
import type { StreamOperation } from '../streaming.ts'
import type { ByteTransform } from '../stream-session.ts'
import { catalog, streamCatalog, type OperationName, type StreamOperationName } from './catalog.ts'
import { KmsClient } from './client.ts'
import type { TailRequest } from './run.ts'

/** What carries operations to a house in another process, and their outcomes back. */
export interface Transport {
  /** Carries out an operation whose request has passed its schema. @throws KmsError */
  call(name: OperationName, request: unknown, options: CallOptions): Promise<unknown>
  /** A stream of bytes through an operation there. */
  stream(name: StreamOperationName, request: unknown, options: CallOptions): ByteTransform
  /** Records as they are made there. */
  tail(request: TailRequest, options: CallOptions): AsyncGenerator<AuditRecord, void, undefined>
}

/**
 * A client whose house is in another process: the same class, methods, checks and errors as one in this process. A
 * request that its operation's schema refuses is refused here, and does not travel.
 */
export function remoteClient(transport: Transport): KmsClient {
  const run = async <Q, P, R>(operation: Operation<Q, P, R>, request: Q, options?: CallOptions): Promise<R> => {
    try {
      const given = parseOptions(options)
      check(operation.schema, request)
      if (given.idempotencyKey !== undefined && operation.effect !== 'change') {
        throw new InvalidRequestError('only a change takes an idempotencyKey')
      }
      if (given.ifMatch !== undefined) requireChangeOfKey(operation)
      if (given.signal?.aborted === true) throw aborted(given.signal)
      return (await transport.call(nameOf(operation), request, given)) as R
    } catch (error) {
      throw tagged(error, options)
    }
  }
  const onward = async <Q, P, R>(operation: UseOperation<Q, P, R>, request: Q, options?: CallOptions): Promise<R> =>
    run(operation, request, options)
  const stream = <Q, P>(operation: StreamOperation<Q, P>, request: Q, options?: CallOptions): ByteTransform => {
    try {
      const given = parseOptions(options)
      check(operation.schema, request)
      return transport.stream(nameOf(operation) as StreamOperationName, request, given)
    } catch (error) {
      throw tagged(error, options)
    }
  }
  const house = {
    isHere: false as const,
    tail: (request: TailRequest, options: CallOptions) => transport.tail(request, options),
    lend: async (scope: DataKeyScope, options?: CallOptions): Promise<LentDataKey> => {
      // One made for this call: what is kept to be lent again is kept where the house is.
      check(dataKeyScopeSchema, scope)
      const { key, spec, numberOfBytes, context } = scope
      const made = await run(catalog.generateDataKey, { key, spec, numberOfBytes, context }, options)
      return { ...made, isCached: false }
    },
  }
  return new KmsClient(Object.assign(run, { onward, stream, house }))
}

/** Refuses what the operation would refuse. @throws InvalidRequestError */
function check<P>(schema: Schema<P>, request: unknown): void {
  parse(schema, request)
}

const names = new Map<unknown, string>(
  [...Object.entries(catalog), ...Object.entries(streamCatalog)].map(([name, operation]) => [operation, name]),
)

function nameOf(operation: unknown): OperationName {
  const name = names.get(operation)
  if (name === undefined) throw new InvalidRequestError('this is asked only where the KMS is')
  return name as OperationName
}
