import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { WireError, type WireRequest } from './wire.ts'

/** Who may sign: secrets by access key. */
export type Secrets = ReadonlyMap<string, string>

const skewMs = 15 * 60 * 1000
const pattern =
  /^AWS4-HMAC-SHA256 Credential=([^/, ]+)\/(\d{8})\/([a-z0-9-]+)\/kms\/aws4_request, ?SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})$/u

/** Verifies a request's Signature Version 4, and says who signed. @throws WireError */
export function verifySignature(request: WireRequest, secrets: Secrets, now: number): string {
  const { authorization } = request.headers
  if (authorization === undefined)
    throw new WireError('MissingAuthenticationTokenException', 'Request is missing Authentication Token')
  const parts = pattern.exec(authorization)
  if (parts === null) throw new WireError('IncompleteSignatureException', 'Authorization header is not complete')
  const [, accessKey, day, region, signedHeaders, signature] = parts as unknown as readonly [
    string,
    string,
    string,
    string,
    string,
    string,
  ]
  const secret = secrets.get(accessKey)
  if (secret === undefined)
    throw new WireError('UnrecognizedClientException', 'The security token included in the request is invalid.')
  const at = String(request.headers['x-amz-date'])
  requireInTime(at, now)
  const text = [
    'AWS4-HMAC-SHA256',
    at,
    `${day}/${region}/kms/aws4_request`,
    sha256(canonical(request, signedHeaders)),
  ].join('\n')
  const expected = hmac([day, region, 'kms', 'aws4_request'].reduce(hmac, Buffer.from(`AWS4${secret}`, 'utf8')), text)
  if (timingSafeEqual(expected, Buffer.from(signature, 'hex'))) return accessKey
  throw new WireError(
    'InvalidSignatureException',
    'The request signature we calculated does not match the signature you provided.',
  )
}

/** The list of headers is the signer's: not every client signs the same. */
function canonical({ headers, body }: WireRequest, signedHeaders: string): string {
  const lines = signedHeaders.split(';').map((name) => `${name}:${String(headers[name] ?? '').trim()}\n`)
  return `POST\n/\n\n${lines.join('')}\n${signedHeaders}\n${sha256(body)}`
}

function requireInTime(at: string, now: number): void {
  const iso = at.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/u, '$1-$2-$3T$4:$5:$6Z')
  const skew = Date.parse(iso) - now
  if (Math.abs(skew) <= skewMs) return
  const told = skew < 0 ? `Signature expired: ${at}` : `Signature not yet current: ${at}`
  throw new WireError('InvalidSignatureException', told)
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}

function sha256(data: string | Buffer): string {
  return createHash('sha256').update(data).digest('hex')
}
