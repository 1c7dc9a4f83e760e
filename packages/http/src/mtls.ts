/**
 * Authentication by client certificates (mutual TLS).
 *
 * @packageDocumentation
 */

import type { TLSSocket } from 'node:tls'
import { InvalidRequestError, type Principal } from '@chatelaine/core'
import type { Authenticate } from './options.ts'

/** Whose certificates are known. */
export interface MtlsOptions {
  /**
   * Principals by the SHA-256 fingerprint of their certificate: 64 hexadecimal digits, with or without colons, as
   * `openssl x509 -noout -fingerprint -sha256` prints them.
   */
  readonly fingerprints: Readonly<Record<string, Principal>>
  /**
   * Whether the certificate must also have been issued by a `ca` of the server. Without it the fingerprint alone
   * counts, as for certificates that are their own issuer. @defaultValue true
   */
  readonly requireIssuer?: boolean | undefined
  /** The time, in milliseconds since 1970. For tests. @defaultValue the system's */
  readonly now?: (() => number) | undefined
}

/**
 * Knows people by the certificate with which they opened the connection. TLS must end in this process: the server asks
 * for certificates (`requestCert: true`), and the handler is served by `serveHttp`, `nodeListener` or Hono's adapter for
 * Node. A certificate before or after its time is nobody's.
 *
 * @throws InvalidRequestError for fingerprints that are none
 * @example
 * ```ts
 * import { mtlsAuthentication } from '@chatelaine/http/mtls'
 *
 * const authenticate = mtlsAuthentication({
 *   fingerprints: { '4A:9C:5F:11:0B:74:7D:2E:9C:60:3B:5D:5C:5E:1F:A2:83:0D:94:A0:66:4B:E4:3E:6A:8F:72:2D:15:B1:90:0E': 'billing' },
 * })
 * ```
 */
export function mtlsAuthentication({ fingerprints, requireIssuer = true, now = Date.now }: MtlsOptions): Authenticate {
  const known = readFingerprints(fingerprints)
  return (_request, env) => {
    const socket = socketOf(env)
    if (socket === undefined || (requireIssuer && !socket.authorized)) return undefined
    const { fingerprint256, valid_from: from, valid_to: to } = socket.getPeerCertificate()
    if (typeof fingerprint256 !== 'string' || !isBetween(now(), from, to)) return undefined
    return known.get(normalized(fingerprint256))
  }
}

function readFingerprints(given: MtlsOptions['fingerprints']): ReadonlyMap<string, Principal> {
  if (typeof given !== 'object' || given === null) throw new InvalidRequestError('fingerprints say who is known')
  const known = new Map<string, Principal>()
  for (const [fingerprint, who] of Object.entries(given)) {
    const digits = normalized(fingerprint)
    if (known.has(digits)) throw new InvalidRequestError(`the fingerprint ${digits} is there twice`)
    known.set(digits, who)
  }
  return known
}

/** Never true of a time that nobody can read. */
function isBetween(time: number, from: string, to: string): boolean {
  return Date.parse(from) <= time && time <= Date.parse(to)
}

function normalized(fingerprint: string): string {
  const digits = fingerprint.replaceAll(':', '').toLowerCase()
  if (!/^[0-9a-f]{64}$/.test(digits))
    throw new InvalidRequestError('a fingerprint is that of SHA-256: 64 hexadecimal digits')
  return digits
}

/** The connection of a request, where it is one of TLS. */
function socketOf(env: unknown): TLSSocket | undefined {
  const { incoming } = (env ?? {}) as { readonly incoming?: { readonly socket?: Partial<TLSSocket> } }
  const socket = incoming?.socket
  return typeof socket?.getPeerCertificate === 'function' ? (socket as TLSSocket) : undefined
}
