/**
 * A key management service over HTTP.
 *
 * @packageDocumentation
 */

export { createHttpHandler, type HttpHandler } from './handler.ts'
export type { Authenticate, Authenticated, CorsOptions, HttpOptions } from './options.ts'
export type { HttpCode, ProblemCode } from './problem.ts'
