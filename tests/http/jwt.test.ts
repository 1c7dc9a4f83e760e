import { createHmac } from 'node:crypto'
import { InvalidRequestError } from '@chatelaine/core'
import { jwtAuthentication, type JwtOptions } from '@chatelaine/http/jwt'
import { CompactEncrypt, exportJWK, exportSPKI, generateKeyPair, SignJWT, UnsecuredJWT, type JWTPayload } from 'jose'
import { describe, expect, test } from 'vitest'

const now = new Date('2026-06-01T12:00:00Z')
const seconds = Math.floor(now.getTime() / 1000)
const pair = await generateKeyPair('ES256')
const other = await generateKeyPair('ES256')
const jwks = { keys: [{ ...(await exportJWK(pair.publicKey)), kid: 'k1', alg: 'ES256', use: 'sig' }] }
const options: JwtOptions = {
  keys: jwks,
  issuer: 'https://login.test',
  audience: 'kms',
  algorithms: ['ES256'],
  now: () => now,
}
const claims: JWTPayload = { iss: 'https://login.test', aud: 'kms', sub: 'billing', exp: seconds + 60, iat: seconds }

async function signed(
  payload: JWTPayload,
  header: Record<string, unknown> = {},
  key = pair.privateKey,
): Promise<string> {
  return new SignJWT(payload).setProtectedHeader({ alg: 'ES256', kid: 'k1', ...header }).sign(key)
}

/** Who a token stands for: nobody where it is refused, with or without an error. */
async function whoIs(authorization: string, given: Partial<JwtOptions> = {}): Promise<unknown> {
  const authenticate = jwtAuthentication({ ...options, ...given })
  const request = new Request('http://kms.test', { headers: { authorization } })
  try {
    return await authenticate(request, {})
  } catch {
    return undefined
  }
}

/** A token with parts as they are given, signed as they are. */
function raw(header: string, payload: string, signature = ''): string {
  return [header, payload].map((part) => Buffer.from(part).toString('base64url')).join('.') + `.${signature}`
}

/** A token with parts as they are given, signed by the issuer. */
async function signedAsIs(header: string, payload: string): Promise<string> {
  const input = raw(header, payload).slice(0, -1)
  const algorithm = { name: 'ECDSA', hash: 'SHA-256' }
  const signature = await crypto.subtle.sign(algorithm, pair.privateKey, Buffer.from(input))
  return `${input}.${Buffer.from(signature).toString('base64url')}`
}

const header = '{"alg":"ES256","kid":"k1"}'
const claimsWithout = (name: string): JWTPayload =>
  Object.fromEntries(Object.entries(claims).filter(([each]) => each !== name))

describe('Tokens', () => {
  test('one that is right stands for its subject, or for whom the host says', async () => {
    const token = await signed(claims)
    expect(await whoIs(`Bearer ${token}`)).toBe('billing')
    expect(await whoIs(`bearer ${token}`)).toBe('billing')
    expect(await whoIs(`Bearer ${await signedAsIs(header, JSON.stringify(claims))}`)).toBe('billing')
    expect(await whoIs(`Bearer ${await signed({ ...claims, more: 'A'.repeat(5_500) })}`)).toBe('billing')
    const principal = ({ sub }: JWTPayload) => ({ id: String(sub), role: 'admin' as const })
    expect(await whoIs(`Bearer ${token}`, { principal })).toEqual({ id: 'billing', role: 'admin' })
    expect(await whoIs(`Bearer ${await signed({ ...claims, exp: seconds - 4 })}`)).toBe('billing')
  })

  const wrong: [string, () => Promise<string> | string][] = [
    ['alg none', () => new UnsecuredJWT(claims).encode()],
    ['alg none in other letters', () => raw('{"alg":"nOnE"}', JSON.stringify(claims))],
    [
      'HS256 with the public key for a secret',
      async () => {
        const input = raw('{"alg":"HS256","kid":"k1"}', JSON.stringify(claims)).slice(0, -1)
        const mac = createHmac('sha256', await exportSPKI(pair.publicKey))
          .update(input)
          .digest('base64url')
        return `${input}.${mac}`
      },
    ],
    [
      'another algorithm of the same key',
      () =>
        signed(claims).then((token) =>
          token.replace(/^[^.]+/, Buffer.from('{"alg":"ES384","kid":"k1"}').toString('base64url')),
        ),
    ],
    ['another key', () => signed(claims, {}, other.privateKey)],
    ['a kid that is a path', () => signed(claims, { kid: '../../etc/passwd' })],
    ['a kid that is SQL', () => signed(claims, { kid: "k1' OR '1'='1" })],
    [
      'its own key in jwk',
      async () => signed(claims, { kid: 'k2', jwk: await exportJWK(other.publicKey) }, other.privateKey),
    ],
    [
      'jku and x5u to keys elsewhere',
      () => signed(claims, { kid: 'k2', jku: 'https://evil.test/jwks', x5u: 'https://evil.test/x' }, other.privateKey),
    ],
    [
      'crit that nobody knows',
      () =>
        signed(claims).then((token) =>
          token.replace(/^[^.]+/, Buffer.from('{"alg":"ES256","kid":"k1","crit":["x"],"x":1}').toString('base64url')),
        ),
    ],
    ['no exp', () => signed(claimsWithout('exp'))],
    ['no sub', () => signed(claimsWithout('sub'))],
    ['a sub that is a principal', () => signed({ ...claims, sub: { id: 'boss', role: 'admin' } as never })],
    ['a sub that is a list', () => signed({ ...claims, sub: ['boss'] as never })],
    ['an iss that is a list', () => signed({ ...claims, iss: ['https://login.test'] as never })],
    ['no aud', () => signed(claimsWithout('aud'))],
    ['no iss', () => signed(claimsWithout('iss'))],
    ['another audience', () => signed({ ...claims, aud: 'crm' })],
    ['another issuer', () => signed({ ...claims, iss: 'https://login.test/' })],
    ['an exp that has passed', () => signed({ ...claims, exp: seconds - 6 })],
    ['an exp that is a text', () => signed({ ...claims, exp: String(seconds + 60) as never })],
    ['an nbf to come', () => signed({ ...claims, nbf: seconds + 60 })],
    ['a claim twice', () => signedAsIs(header, `{"sub":"boss",${JSON.stringify(claims).slice(1)}`)],
    ['a header twice', () => signedAsIs(`{"alg":"none",${header.slice(1)}`, JSON.stringify(claims))],
    ['a claim called __proto__', () => signedAsIs(header, `{"__proto__":{},${JSON.stringify(claims).slice(1)}`)],
    ['a token of 1 MB', async () => signed({ ...claims, more: 'A'.repeat(1_000_000) })],
    ['a token of 9 kB', async () => signed({ ...claims, more: 'A'.repeat(6_700) })],
    [
      'an encrypted token',
      async () => {
        const rsa = await generateKeyPair('RSA-OAEP-256')
        return new CompactEncrypt(Buffer.from(JSON.stringify(claims)))
          .setProtectedHeader({ alg: 'RSA-OAEP-256', enc: 'A256GCM' })
          .encrypt(rsa.publicKey)
      },
    ],
    ['a token of two parts', () => raw('{}', '{}').slice(0, -1)],
    ['an empty token', () => ''],
    ['no JSON', () => raw('x', 'y', 'z')],
  ]
  test.each(wrong)('D70 %s is nobody', async (_, make) => {
    expect(await whoIs(`Bearer ${await make()}`)).toBeUndefined()
  })

  test('D70 PBES2 with 2^31 rounds costs nothing', async () => {
    const header = Buffer.from(
      '{"alg":"PBES2-HS256+A128KW","enc":"A128GCM","p2c":2147483647,"p2s":"AAAAAAAAAAA"}',
    ).toString('base64url')
    const before = process.cpuUsage()
    expect(await whoIs(`Bearer ${header}.AAAA.AAAA.AAAA.AAAA`)).toBeUndefined()
    const { user } = process.cpuUsage(before)
    expect(user).toBeLessThan(50_000)
  })

  test('another scheme, none, or two tokens are nobody', async () => {
    const token = await signed(claims)
    for (const value of [token, `Basic ${token}`, `Bearer ${token} ${token}`, `Bearer  ${token}`, '']) {
      expect(await whoIs(value)).toBeUndefined()
    }
  })

  test('what the host changes in its options afterwards allows nothing more', async () => {
    const algorithms: JwtOptions['algorithms'][number][] = ['ES384']
    const given = { ...options, algorithms, clockToleranceSeconds: 5 }
    const authenticate = jwtAuthentication(given)
    algorithms.push('ES256')
    const authorization = `Bearer ${await signed(claims)}`
    const request = new Request('http://kms.test', { headers: { authorization } })
    await expect(authenticate(request, {})).rejects.toMatchObject({ code: 'ERR_JOSE_ALG_NOT_ALLOWED' })
  })

  test('type and age are asked for where the host says so', async () => {
    const token = await signed({ ...claims, iat: seconds - 100 }, { typ: 'at+jwt' })
    expect(await whoIs(`Bearer ${token}`, { type: 'at+jwt', maxAgeSeconds: 200 })).toBe('billing')
    expect(await whoIs(`Bearer ${token}`, { type: 'JWT' })).toBeUndefined()
    expect(await whoIs(`Bearer ${token}`, { maxAgeSeconds: 50 })).toBeUndefined()
  })

  const invalid: [string, object][] = [
    ['no algorithms', { algorithms: [] }],
    ['an algorithm with a shared secret', { algorithms: ['HS256'] }],
    ['none among the algorithms', { algorithms: ['ES256', 'none'] }],
    ['no issuer', { issuer: '' }],
    ['no audience', { audience: undefined }],
    ['keys over http', { keys: new URL('http://login.test/jwks') }],
    ['a tolerance of an hour', { clockToleranceSeconds: 3600 }],
    ['a tolerance that is a text', { clockToleranceSeconds: '5' }],
    ['an age that is a text', { maxAgeSeconds: '1h' }],
    ['an age below nothing', { maxAgeSeconds: -1 }],
    ['an age without an end', { maxAgeSeconds: Infinity }],
    ['a type that is none', { type: '' }],
    ['a principal that is no function', { principal: 'billing' }],
    ['an option that there is not', { clockTolerance: 5 }],
    ['an audience without a name', { audience: '' }],
    ['no keys', { keys: null }],
    ['keys that are a text', { keys: 'https://login.test/jwks' }],
    ['keys that are no set', { keys: { keys: 1 } }],
  ]
  test.each(invalid)('options with %s are refused', (_, given) => {
    expect(() => jwtAuthentication({ ...options, ...given } as JwtOptions)).toThrow(InvalidRequestError)
  })
})
