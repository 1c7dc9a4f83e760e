import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Authenticate } from '@chatelaine/http'
import { jwtAuthentication } from '@chatelaine/http/jwt'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { describe, expect, onTestFinished, test } from 'vitest'

const [pair, other] = [await generateKeyPair('ES256'), await generateKeyPair('ES256')]
const keys = JSON.stringify({ keys: [{ ...(await exportJWK(pair.publicKey)), kid: 'k1' }] })

/** An issuer whose keys are at an address, with how often it was asked for them, and how it answers. */
interface Issuer {
  readonly authenticate: Authenticate
  asked: number
  answer: RequestListener
}

async function newIssuer(answer: RequestListener): Promise<Issuer> {
  const server = createServer((incoming, outgoing) => {
    issuer.asked += 1
    issuer.answer(incoming, outgoing)
  }).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await new Promise((done) => server.once('listening', done))
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`)
  const options = { keys: url, issuer: 'login', audience: 'kms', algorithms: ['ES256'] } as const
  const issuer: Issuer = { authenticate: jwtAuthentication(options), asked: 0, answer }
  return issuer
}

const well: RequestListener = (_, outgoing) => void outgoing.setHeader('content-type', 'application/json').end(keys)

/** Who a token stands for: nobody where it is refused, with or without an error. */
async function whoIs({ authenticate }: Issuer, { privateKey }: typeof pair = pair, kid = 'k1'): Promise<unknown> {
  const claims = new SignJWT({ iss: 'login', aud: 'kms', sub: 'billing' }).setExpirationTime('1m')
  const authorization = `Bearer ${await claims.setProtectedHeader({ alg: 'ES256', kid }).sign(privateKey)}`
  try {
    return await authenticate(new Request('http://kms.test', { headers: { authorization } }), {})
  } catch {
    return undefined
  }
}

describe('Keys of an issuer at an address', () => {
  test('are asked for once, and not again for each token that names a key which is not among them', async () => {
    const issuer = await newIssuer(well)
    const people = [await whoIs(issuer), await whoIs(issuer), await whoIs(issuer, other)]
    expect(people).toEqual(['billing', 'billing', undefined])
    for (let i = 0; i < 20; i++) expect(await whoIs(issuer, other, `k${i + 2}`)).toBeUndefined()
    expect(await whoIs(issuer)).toBe('billing')
    expect(issuer.asked).toBe(1)
  })

  test.each<[string, RequestListener]>([
    ['does not answer', (incoming) => void incoming.socket.destroy()],
    ['fails', (_, outgoing) => void outgoing.writeHead(500).end(keys)],
    ['answers nonsense', (_, outgoing) => void outgoing.end('{"keys":1}')],
    ['sends elsewhere', (_, outgoing) => void outgoing.writeHead(302, { location: '/jwks' }).end(keys)],
  ])('D70 while it %s everybody is nobody, and afterwards themselves again', async (_, ill) => {
    const issuer = await newIssuer(ill)
    expect(await whoIs(issuer)).toBeUndefined()
    expect(issuer.asked).toBe(1)
    issuer.answer = well
    expect(await whoIs(issuer)).toBe('billing')
    issuer.answer = ill
    expect(await whoIs(issuer)).toBe('billing')
    expect(issuer.asked).toBe(2)
  })
})
