import { X509Certificate } from 'node:crypto'
import { request } from 'node:https'
import { createKms, generateRootKey, InvalidRequestError, localRootKey, type Kms } from '@chatelaine/core'
import { createHttpHandler, type HttpHandler } from '@chatelaine/http'
import { mtlsAuthentication } from '@chatelaine/http/mtls'
import { serveHttp } from '@chatelaine/http/node'
import { memoryStorage } from '@chatelaine/storage-memory'
import { describe, expect, onTestFinished, test } from 'vitest'
import { Authority, type Certificate } from './certificates.ts'

async function newKms(): Promise<Kms> {
  const kms = await createKms({ storage: memoryStorage(), rootKey: localRootKey(generateRootKey()) })
  onTestFinished(() => kms.close())
  return kms
}

/** Serves with TLS, asking for certificates. Whether their issuer is known is left to the handler. */
async function serve(handler: HttpHandler, authority: Authority): Promise<URL> {
  const tls = { ...authority.issue('server'), ca: authority.own.cert, requestCert: true, rejectUnauthorized: false }
  const server = await serveHttp(handler, { port: 0, tls })
  onTestFinished(() => server.close())
  return new URL(server.url)
}

/** The status of a list of keys, asked with a certificate. */
async function statusOf(url: URL, authority: Authority, client?: Certificate): Promise<number | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<number | undefined>()
  const options = {
    host: url.hostname,
    port: url.port,
    path: '/v1/keys',
    ca: authority.own.cert,
    agent: false,
    ...client,
  }
  request(options, (answer) => {
    answer.resume()
    resolve(answer.statusCode)
  })
    .on('error', reject)
    .end()
  return promise
}

const fingerprintOf = ({ cert }: Certificate): string => new X509Certificate(cert).fingerprint256

describe('Client certificates', () => {
  test('D70 the one that is known gets in; none, another, and another issuer do not', async () => {
    const kms = await newKms()
    const authority = new Authority()
    const known = authority.issue('billing')
    const self = authority.selfSigned('billing-self')
    const fingerprints = {
      [fingerprintOf(known)]: { id: 'billing', role: 'auditor' },
      [fingerprintOf(self)]: { id: 'self', role: 'auditor' },
    } as const
    const url = await serve(createHttpHandler(kms, { authenticate: mtlsAuthentication({ fingerprints }) }), authority)
    expect(await statusOf(url, authority, known)).toBe(200)
    expect(await statusOf(url, authority)).toBe(401)
    expect(await statusOf(url, authority, authority.issue('other'))).toBe(401)
    expect(await statusOf(url, authority, self)).toBe(401)
    const { items } = await kms.audit.list({ action: 'listKeys' })
    expect(items.map(({ actor }) => actor)).toEqual(['billing'])
  })

  test('D70 a fingerprint alone counts where the host says so, and not before or after its time', async () => {
    const kms = await newKms()
    const authority = new Authority()
    const self = authority.selfSigned('self')
    const fingerprints = {
      [fingerprintOf(self).toLowerCase().replaceAll(':', '')]: { id: 'self', role: 'auditor' },
    } as const
    let now = Date.now()
    const authenticate = mtlsAuthentication({ fingerprints, requireIssuer: false, now: () => now })
    const url = await serve(createHttpHandler(kms, { authenticate }), authority)
    expect(await statusOf(url, authority, self)).toBe(200)
    now += 3 * 86_400_000
    expect(await statusOf(url, authority, self)).toBe(401)
    now -= 6 * 86_400_000
    expect(await statusOf(url, authority, self)).toBe(401)
  })

  test('a fingerprint in two spellings is refused: it would be two people', () => {
    const fingerprint = 'ab'.repeat(32)
    const twice = { [fingerprint]: 'billing', [fingerprint.toUpperCase()]: { id: 'boss', role: 'admin' } } as const
    expect(() => mtlsAuthentication({ fingerprints: twice })).toThrow('is there twice')
    expect(() => mtlsAuthentication({ fingerprints: undefined as never })).toThrow(InvalidRequestError)
  })

  test('a certificate whose times nobody can read is nobody', () => {
    const fingerprint = 'ab'.repeat(32)
    const authenticate = mtlsAuthentication({ fingerprints: { [fingerprint]: 'billing' } })
    const whoIs = (from: string, to: string): unknown => {
      const certificate = { fingerprint256: fingerprint, valid_from: from, valid_to: to }
      const socket = { authorized: true, getPeerCertificate: () => certificate }
      return authenticate(new Request('http://kms.test'), { incoming: { socket } })
    }
    expect(whoIs('Jan  1 00:00:00 2020 GMT', 'Jan  1 00:00:00 2120 GMT')).toBe('billing')
    expect(whoIs('x', 'Jan  1 00:00:00 2120 GMT')).toBeUndefined()
    expect(whoIs('Jan  1 00:00:00 2020 GMT', 'x')).toBeUndefined()
  })

  test('a fingerprint that is none is refused, and without TLS nobody is known', async () => {
    expect(() => mtlsAuthentication({ fingerprints: { 'AA:BB': 'x' } })).toThrow('a fingerprint is that of SHA-256')
    const authenticate = mtlsAuthentication({ fingerprints: {} })
    for (const env of [undefined, {}, { incoming: {} }, { incoming: { socket: {} } }]) {
      expect(authenticate(new Request('http://kms.test'), env)).toBeUndefined()
    }
  })
})
