import { emptyContext } from '../../envelope/context.ts'
import { invalidCiphertext, open, openDataKey } from '../../envelope/open.ts'
import { resealDataKey, seal } from '../../envelope/seal.ts'
import { derived, wrapped, type Suite } from '../../envelope/suite.ts'
import { saltBytes } from '../../crypto/chunked-encryption.ts'
import { randomBytesOf } from '../../crypto/randomness.ts'
import { InvalidRequestError } from '../../errors.ts'
import { wipe } from '../../internal/bytes.ts'
import { ownOnly } from '../../internal/own.ts'
import type { Walk } from '../../runtime.ts'
import type { EncodedContext, Material, PairMaterial } from '../../stages.ts'
import type { DecryptResult, EncryptResult, ReEncryptResult } from './messages.ts'
import { decryptByPair, encryptByPair } from './oaep-messages.ts'
import { messageBytes, openFor, requireSealed, requireSecret, type Opening } from './opening.ts'

interface Sealing {
  readonly key: string
  readonly plaintext: Buffer
  readonly context?: EncodedContext | undefined
  readonly envelope?: 'derived' | 'wrapped' | undefined
  readonly algorithm?: 'RSAES_OAEP_SHA_256' | undefined
}

const usage = 'ENCRYPT_DECRYPT'

/** Encrypts one message. */
export function encryptMessage(walk: Walk, request: Sealing): EncryptResult | Promise<EncryptResult> {
  const { key, context = emptyContext } = request
  const bytes = request.plaintext.length
  const claimed = walk.material({ action: 'encrypt', usage, need: 'protect', key, context, bytes })
  if (claimed instanceof Promise) return claimed.then((material) => encryptUnder(walk, material, request))
  return encryptUnder(walk, claimed, request)
}

function encryptUnder(
  walk: Walk,
  material: Material | PairMaterial,
  request: Sealing,
): EncryptResult | Promise<EncryptResult> {
  if (material.pair !== undefined) return encryptByPair(material, request)
  requireNoAlgorithm(request)
  const suite = request.envelope === 'wrapped' ? wrapped : derived
  return sealUnder(walk, material, { suite, plaintext: request.plaintext, context: request.context })
}

/** Seals for the current version of a symmetric key. */
export async function sealFor(
  walk: Walk,
  to: { action: string; key: string },
  plain: PlainMessage,
): Promise<EncryptResult> {
  const message = { context: plain.context ?? emptyContext, bytes: sizeOf(plain) }
  const material = await walk.material({ ...to, usage, need: 'protect', ...message })
  return sealUnder(walk, requireSecret(material), plain)
}

/** Seals under material that was claimed. */
export function sealUnder(
  walk: Walk,
  material: Material,
  { suite, plaintext, context: encoded = emptyContext }: PlainMessage,
): EncryptResult | Promise<EncryptResult> {
  const { keyId, keyVersion } = material
  const sealed = seal(material, { suite, plaintext, context: encoded }, walk.tools)
  const resultOf = (ciphertext: Buffer): EncryptResult => ({ ciphertext, keyId, keyVersion })
  return sealed instanceof Promise ? sealed.then(resultOf) : resultOf(sealed)
}

/** How large a message is; a data key is none. */
function sizeOf({ suite, plaintext }: PlainMessage): number | undefined {
  return suite.opens === 'message' ? plaintext.length : undefined
}

/** What {@link sealFor} seals. */
export interface PlainMessage {
  readonly suite: Suite
  readonly plaintext: Buffer
  readonly context?: EncodedContext | undefined
}

/** Decrypts one message. */
export async function decryptMessage(walk: Walk, request: Opening): Promise<DecryptResult> {
  const found = await openFor(walk, { action: 'decrypt', opens: ['message'] }, request)
  const { keyId, keyVersion: number } = found.material
  if (found.suite === undefined) {
    return { plaintext: await decryptByPair(found.material, request), keyId, keyVersion: number }
  }
  requireNoAlgorithm(request)
  const sealed = { message: request.ciphertext, suite: found.suite, context: request.context ?? emptyContext }
  return { plaintext: await open(found.material, sealed, walk.tools.timers), keyId, keyVersion: number }
}

/** Re-encrypts one message. A wrapped one keeps its body; only its data key moves. */
export async function reEncryptMessage(
  walk: Walk,
  request: Opening & { readonly newContext?: EncodedContext | undefined },
): Promise<ReEncryptResult> {
  const how = { action: 'reEncryptFrom', opens: ['message', 'dataKey', 'privateKey'] } as const
  const { material: from, suite } = requireSealed(await openFor(walk, how, ownOnly({ ...request, key: undefined })))
  const sealed = { message: request.ciphertext, suite, context: request.context ?? emptyContext }
  const to = { action: 'reEncryptTo', key: request.key ?? from.keyId }
  const newContext = request.newContext ?? sealed.context
  const source = { sourceKeyId: from.keyId, sourceKeyVersion: from.keyVersion }
  const secret = suite.wrapped ? openDataKey(from, sealed) : await open(from, sealed, walk.tools.timers)
  try {
    if (!suite.wrapped)
      return { ...(await sealFor(walk, to, { suite, plaintext: secret, context: newContext })), ...source }
    const bytes = messageBytes(suite, request)
    const material = requireSecret(await walk.material({ ...to, usage, need: 'protect', context: newContext, bytes }))
    const salt = randomBytesOf(walk.tools.random, saltBytes)
    const moved = resealDataKey(request.ciphertext, secret, { material, context: newContext, salt })
    return { ciphertext: moved, keyId: material.keyId, keyVersion: material.keyVersion, ...source }
  } finally {
    wipe(secret)
  }
}

/** @throws InvalidCiphertextError unless a message begins so of which only the beginning is re-encrypted. */
export function requireWrapped(beginning: Buffer): void {
  if (beginning[3] !== wrapped.code) throw invalidCiphertext('only a wrapped message is re-encrypted by its header')
}

function requireNoAlgorithm(request: { readonly algorithm?: string | undefined }): void {
  if (request.algorithm !== undefined) throw new InvalidRequestError('a symmetric key has no choice of algorithms')
}
