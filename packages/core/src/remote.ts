/**
 * For what carries operations over a wire, such as `@chatelaine/http`: every operation by its name, the JSON Schemas of
 * their requests, and a client whose house is elsewhere.
 *
 * @packageDocumentation
 */

export { dispatch, follow, requestSchema, takesIdempotencyKey, takesIfMatch, type Dispatched } from './face/dispatch.ts'
export type { OperationName, RequestOf, ResultOf, StreamOperationName } from './face/catalog.ts'
export type { JsonSchema } from './operations/shared/wire-form.ts'
export type { Tail } from './face/tail.ts'
export { remoteClient, type Transport } from './face/remote.ts'
export { errorCodes, reviveError, type ToldError } from './face/revive-error.ts'
