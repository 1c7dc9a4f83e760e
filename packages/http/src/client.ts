/**
 * A {@link KmsClient} whose KMS is behind HTTP.
 *
 * @packageDocumentation
 */

import type { KmsClient } from '@chatelaine/core'
import { remoteClient } from '@chatelaine/core/remote'
import { readClientOptions, type HttpClientOptions } from './client/options.ts'
import { HttpTransport } from './client/transport.ts'

export type { HttpClientOptions, RequestHeaders } from './client/options.ts'

/**
 * Makes a client of a KMS that `createHttpHandler` serves. It is the library's own `KmsClient`: the same methods,
 * handles, results and errors, so that code moves between embedded and remote by changing the line that makes it.
 *
 * A request that got no answer is `AUDIT_UNAVAILABLE`, with `outcome` `none` where nothing was sent.
 *
 * @throws InvalidRequestError
 * @example
 * ```ts
 * import { createHttpClient } from '@chatelaine/http/client'
 *
 * const kms = createHttpClient({ url: 'https://kms.internal', headers: { authorization: `Bearer ${process.env['KMS_TOKEN']}` } })
 * const orders = kms.key('orders')
 * const readOrder = async (stored: string) => orders.decryptText(stored)
 * ```
 */
export function createHttpClient(options: HttpClientOptions): KmsClient {
  return remoteClient(new HttpTransport(readClientOptions(options)))
}
