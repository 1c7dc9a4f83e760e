import { openedLength } from '../../crypto/chunked-encryption.ts'
import type { HalfKey } from '../../crypto/key-pair.ts'
import { bodyOffset, parseHeader, type Header } from '../../envelope/header.ts'
import { invalidCiphertext, readHeader } from '../../envelope/open.ts'
import type { Suite } from '../../envelope/suite.ts'
import { AccessDeniedError, InvalidKeyUsageError } from '../../errors.ts'
import { withReason } from '../../internal/reason.ts'
import type { Target, Walk } from '../../runtime.ts'
import type { EncodedContext, Material, PairMaterial } from '../../stages.ts'
import { notBase64url } from './fields.ts'

/** A parsed request to open something. */
export interface Opening {
  readonly ciphertext: Buffer
  readonly context?: EncodedContext | undefined
  readonly key?: string | undefined
  readonly keyVersion?: number | undefined
  readonly algorithm?: string | undefined
  readonly allowRevoked?: boolean | undefined
  readonly reason?: string | undefined
  /** How long the message is of which `ciphertext` is the beginning; `undefined` where nobody knows. @defaultValue `ciphertext` is all of it */
  readonly size?: number | undefined
}

/** What says that a key may have been revoked. */
export type Rescue = Pick<Opening, 'reason'>

/** Finds the material that opens a ciphertext: who sealed it, may the caller, does the state allow it. */
export async function openFor(walk: Walk, how: OpenAs, request: Opening): Promise<Found> {
  if (request.ciphertext === notBase64url) throw invalidCiphertext('not canonical base64url')
  // Whoever names the key may mean one whose ciphertexts do not: it is the key's spec that decides.
  const header = request.key === undefined ? readHeader(request.ciphertext, how.opens) : headerOf(request, how)
  if (request.allowRevoked === true) rescue(walk, request)
  const target: Target = {
    action: how.action,
    key: request.key ?? (header as Header).keyId,
    opens: { by: header, isKeyNamed: request.key !== undefined },
    version: request.keyVersion,
    usage: 'ENCRYPT_DECRYPT',
    need: 'process',
    context: request.context,
    allowRevoked: request.allowRevoked,
    bytes: header === undefined ? undefined : messageBytes(header.suite, request),
    missing: invalidCiphertext,
  }
  const material = await walk.material(target)
  return material.pair === undefined ? { material, suite: (header as Header).suite } : { material, suite: undefined }
}

/** How large the message in a ciphertext is, where it is one and all of it is there. */
export function messageBytes(suite: Suite, request: Opening): number | undefined {
  // Not what somebody puts on prototypes.
  const size = Object.hasOwn(request, 'size') ? request.size : request.ciphertext.length
  if (suite.opens !== 'message' || size === undefined) return undefined
  return openedLength(size - bodyOffset(suite))
}

/** What opens a ciphertext: a secret, for a CM1 message of some suite, or a key pair. */
export type Found =
  | { readonly material: Material; readonly suite: Suite }
  | { readonly material: PairMaterial; readonly suite: undefined }

/** What opens a CM1 message. @throws InvalidCiphertextError where a key pair would be asked to. */
export function requireSealed(found: Found): Extract<Found, { suite: Suite }> {
  if (found.suite === undefined) throw invalidCiphertext('it is not a message of a symmetric key')
  return found
}

function headerOf({ ciphertext: message }: Opening, { opens }: OpenAs): Header | undefined {
  const header = parseHeader(message)
  return header !== undefined && opens.includes(header.suite.opens) ? header : undefined
}

/** The secret of a symmetric key. @throws InvalidKeyUsageError for a key pair. */
export function requireSecret(material: Material | PairMaterial): Material {
  if (material.pair !== undefined)
    throw new InvalidKeyUsageError('a key pair seals no data keys and streams, and re-encrypts nothing')
  return material
}

/** What opens a CM1 message for `decrypt`, where nothing else will do. @throws InvalidKeyUsageError for a key pair */
export async function openSealedFor(walk: Walk, request: Opening): Promise<Extract<Found, { suite: Suite }>> {
  const found = await openFor(walk, { action: 'decrypt', opens: ['message'] }, request)
  requireSecret(found.material)
  return requireSealed(found)
}

/** How to open. */
export interface OpenAs {
  readonly action: string
  readonly opens: readonly Suite['opens'][]
}

/** Notes that an admin gets data away from a revoked key, and why. @throws AccessDeniedError for everybody else. */
export function rescue(walk: Walk, request: Rescue): void {
  if (walk.actor.role !== 'admin' || request.reason === undefined) {
    throw withReason(
      new AccessDeniedError('only an admin gets data away from a revoked key, and says why'),
      'allowRevoked without being admin, or without a reason',
    )
  }
  walk.note({ allowRevoked: true, why: request.reason })
}

/** The pair of an asymmetric key. @throws InvalidKeyUsageError for a secret. */
export function requirePair(material: Material | PairMaterial): PairMaterial {
  if (material.pair === undefined) throw new InvalidKeyUsageError('the key is not a key pair')
  return material
}

/** The private half of a pair. @throws InvalidKeyUsageError where only the public one was imported. */
export function privateOf({ pair }: PairMaterial): HalfKey {
  if (pair.privateKey === undefined) throw new InvalidKeyUsageError('only the public half of this key is known')
  return pair.privateKey
}
