import { InvalidRequestError } from '@chatelaine/core'
import { z } from 'zod'

/** Headers of a request, such as `authorization`. */
export type RequestHeaders = Readonly<Record<string, string>>

/** Where the server is, and as whom to ask. */
export interface HttpClientOptions {
  /** Where the handler is mounted, such as `https://kms.internal/kms`; `/v1` follows. */
  readonly url: string | URL
  /** What proves who asks: headers, or what gives them for each request. @defaultValue none */
  readonly headers?: RequestHeaders | (() => RequestHeaders | Promise<RequestHeaders>) | undefined
  /** What sends requests, such as one with a client certificate. @defaultValue the platform's */
  readonly fetch?: typeof fetch | undefined
}

/** Options, checked. */
export interface ClientSettings {
  /** Without a slash at its end. */
  readonly url: string
  readonly headers: () => RequestHeaders | Promise<RequestHeaders>
  readonly fetch: typeof fetch
}

const schema = z.strictObject({
  url: z.union([z.instanceof(URL), z.string()]),
  headers: z
    .union([z.record(z.string(), z.string()), z.custom<() => RequestHeaders>((value) => typeof value === 'function')])
    .optional(),
  fetch: z.custom<typeof fetch>((value) => typeof value === 'function').optional(),
})

/** Checks options. @throws InvalidRequestError */
export function readClientOptions(options: HttpClientOptions): ClientSettings {
  const parsed = schema.safeParse(options)
  if (!parsed.success) throw invalid('a client has a url, headers and a fetch')
  const { headers = {}, url, fetch: given } = parsed.data
  return {
    url: addressOf(String(url)),
    headers: typeof headers === 'function' ? headers : () => headers,
    fetch: given ?? (async (input, init) => fetch(input, init)),
  }
}

function addressOf(text: string): string {
  if (!URL.canParse(text)) throw invalid('the url is none')
  const { protocol, search, hash, username, password, href } = new URL(text)
  const isHttp = protocol === 'http:' || protocol === 'https:'
  if (!isHttp || `${search}${hash}${username}${password}` !== '') {
    throw invalid('the url is http or https, without user, query and fragment')
  }
  return href.replace(/\/$/, '')
}

function invalid(message: string): InvalidRequestError {
  return new InvalidRequestError(`the options are not valid: ${message}`)
}
