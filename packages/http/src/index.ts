/**
 * A key management service over HTTP.
 *
 * @packageDocumentation
 */

export { createHttpHandler, type HttpHandler } from './handler.ts'
export type { Authenticate, Authenticated, CorsOptions, HttpOptions } from './options.ts'
export { trustedHeaders, type TrustedHeadersOptions } from './trusted-headers.ts'
export { openApiDocument, type OpenApiDocument } from './openapi/document.ts'
export type { HttpCode, ProblemCode } from './problem.ts'
