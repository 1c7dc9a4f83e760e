import type { CallOptions } from '../call.ts'
import { InvalidRequestError } from '../errors.ts'
import { isRepeatable } from '../operations/shared/once.ts'
import { isChangeOfKey } from '../operations/shared/unchanged.ts'
import { jsonSchemaOf, type JsonSchema } from '../operations/shared/wire-form.ts'
import type { Operation } from '../runtime.ts'
import { catalog, streamCatalog, type OperationName, type ResultOf, type StreamOperationName } from './catalog.ts'
import type { TailRequest } from './run.ts'
import { runOf, type StreamingClient } from './streaming-client.ts'
import { openTail, type Tail } from './tail.ts'

/** A request as it comes from elsewhere, and the options of its call. */
export interface Dispatched {
  /** Not checked yet: the operation's own schema does that. */
  readonly request: unknown
  /** As every method takes them. */
  readonly options?: CallOptions | undefined
}

/** Runs an operation by its name, for a client: the same walk as the client's own method. @throws KmsError */
export async function dispatch<N extends OperationName>(
  client: StreamingClient,
  name: N,
  { request, options }: Dispatched,
): Promise<ResultOf<N>> {
  const operation = operationOf(name) as unknown as Operation<unknown, unknown, ResultOf<N>>
  return runOf(client)(operation, request, options)
}

/** Follows the audit log for a client. Resolves when that is recorded, before the first record comes. @throws KmsError */
export async function follow(client: StreamingClient, request: TailRequest, options: CallOptions): Promise<Tail> {
  const run = runOf(client)
  return run.house.isHere ? openTail(run, run.house, { request, options }) : run.house.tail(request, options)
}

/** Whether an operation takes an `idempotencyKey`. */
export function takesIdempotencyKey(name: OperationName): boolean {
  return isRepeatable(operationOf(name))
}

/** Whether an operation takes an `ifMatch`. */
export function takesIfMatch(name: OperationName): boolean {
  return isChangeOfKey(operationOf(name))
}

/** The JSON Schema of an operation's request, made of the schema that checks it. Forms are marked with `x-wire`. */
export function requestSchema(name: OperationName | StreamOperationName): JsonSchema {
  const known = schemas.get(name) ?? jsonSchemaOf(schemaOf(name))
  schemas.set(name, known)
  return known
}

const schemas = new Map<string, JsonSchema>()

function schemaOf(name: OperationName | StreamOperationName): unknown {
  const { schema } = Object.hasOwn(streamCatalog, name)
    ? streamCatalog[name as StreamOperationName]
    : operationOf(name as OperationName)
  return schema
}

function operationOf<N extends OperationName>(name: N): (typeof catalog)[N] {
  if (!Object.hasOwn(catalog, name)) throw new InvalidRequestError('there is no such operation')
  return catalog[name]
}
