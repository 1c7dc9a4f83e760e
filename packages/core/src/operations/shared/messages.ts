import { z } from 'zod'
import { emptyContext } from '../../envelope/context.ts'
import { open, openDataKey, readHeader, invalidCiphertext } from '../../envelope/open.ts'
import { resealDataKey, seal } from '../../envelope/seal.ts'
import { derived, wrapped, type Suite } from '../../envelope/suite.ts'
import { saltBytes } from '../../crypto/chunked-encryption.ts'
import { randomBytesOf } from '../../crypto/randomness.ts'
import { AccessDeniedError } from '../../errors.ts'
import { wipe } from '../../internal/bytes.ts'
import { ownOnly } from '../../internal/own.ts'
import { withReason } from '../../internal/reason.ts'
import type { Target, Walk } from '../../runtime.ts'
import type { EncodedContext, Material } from '../../stages.ts'
import { ciphertext, context, keyReference, notBase64url, plaintext, reason, type Ciphertext } from './fields.ts'
import type { EncryptionContext, Plaintext } from './fields.ts'

/** A message to encrypt. */
export interface EncryptRequest {
  /** The key: id or name. */
  readonly key: string
  /** What to encrypt, at most 64 MiB. A string stands for its UTF-8 bytes. */
  readonly plaintext: Plaintext
  /** Pairs that must be given again to decrypt; authenticated, not stored. @defaultValue none */
  readonly context?: EncryptionContext | undefined
  /**
   * `derived` seals under a key derived from the key's material, with 96 bytes of overhead; `wrapped` under a random
   * data key, with 200, so that re-encrypting rewrites 128 bytes and never the body. @defaultValue 'derived'
   */
  readonly envelope?: 'derived' | 'wrapped' | undefined
}

/** An encrypted message. */
export interface EncryptResult {
  /** The message, self-describing: `CM1`. */
  readonly ciphertext: Buffer
  /** The key that protects it. */
  readonly keyId: string
  /** The version of it. */
  readonly keyVersion: number
}

/** A message to decrypt. */
export interface DecryptRequest {
  /** What `encrypt` returned: bytes, or their canonical base64url. */
  readonly ciphertext: Ciphertext
  /** The same pairs that it was encrypted with. @defaultValue none */
  readonly context?: EncryptionContext | undefined
  /** Accept only messages of this key: id or name. @defaultValue any */
  readonly key?: string | undefined
  /** For an admin: get data away from a revoked key or version. Needs a reason, which is recorded. @defaultValue false */
  readonly allowRevoked?: boolean | undefined
  /** Why, where `allowRevoked` is set. */
  readonly reason?: string | undefined
}

/** A decrypted message. */
export interface DecryptResult {
  /** What was encrypted. Wipe it with `fill(0)` when it is a secret. */
  readonly plaintext: Buffer
  /** The key that protected it. */
  readonly keyId: string
  /** The version of it. */
  readonly keyVersion: number
}

/** A message to put under another key, the current version of its own, or another context. */
export interface ReEncryptRequest {
  /** What `encrypt` or `generateDataKey` returned: bytes, or their canonical base64url. */
  readonly ciphertext: Ciphertext
  /** The pairs that it was encrypted with. @defaultValue none */
  readonly context?: EncryptionContext | undefined
  /** The new key: id or name. @defaultValue the key that it is encrypted with */
  readonly key?: string | undefined
  /** The new pairs. @defaultValue the same as `context` */
  readonly newContext?: EncryptionContext | undefined
  /** For an admin: get data away from a revoked key or version. Needs a reason, which is recorded. @defaultValue false */
  readonly allowRevoked?: boolean | undefined
  /** Why, where `allowRevoked` is set. */
  readonly reason?: string | undefined
}

/** A message under its new key. */
export interface ReEncryptResult extends EncryptResult {
  /** The key that it was encrypted with before. */
  readonly sourceKeyId: string
  /** The version of it. */
  readonly sourceKeyVersion: number
}

/** The fields of {@link EncryptRequest}, for schemas. */
export const encryptFields = {
  key: keyReference,
  plaintext,
  context: context.optional(),
  envelope: z.enum(['derived', 'wrapped']).optional(),
}

const opening = {
  ciphertext,
  context: context.optional(),
  key: keyReference.optional(),
  allowRevoked: z.boolean().optional(),
  reason: reason.optional(),
}

/** The fields of {@link DecryptRequest}, for schemas. */
export const decryptFields: typeof opening = opening

/** The fields of {@link ReEncryptRequest}, for schemas. */
export const reEncryptFields = { ...opening, newContext: context.optional() }

interface Sealing {
  readonly key: string
  readonly plaintext: Buffer
  readonly context?: EncodedContext | undefined
  readonly envelope?: 'derived' | 'wrapped' | undefined
}

/** A parsed request to open something. */
export interface Opening {
  readonly ciphertext: Buffer
  readonly context?: EncodedContext | undefined
  readonly key?: string | undefined
  readonly allowRevoked?: boolean | undefined
  readonly reason?: string | undefined
}

const usage = 'ENCRYPT_DECRYPT'

/** Encrypts one message. */
export async function encryptMessage(walk: Walk, request: Sealing): Promise<EncryptResult> {
  const suite = request.envelope === 'wrapped' ? wrapped : derived
  const { key, plaintext: bytes, context: encoded } = request
  return sealFor(walk, { action: 'encrypt', key }, { suite, plaintext: bytes, context: encoded })
}

/** Seals for the current version of a key. */
export async function sealFor(
  walk: Walk,
  to: { action: string; key: string },
  plain: PlainMessage,
): Promise<EncryptResult> {
  const { suite, plaintext: bytes, context: encoded = emptyContext } = plain
  const material = await walk.material({ ...to, usage, need: 'protect', context: encoded })
  const sealed = await seal(material, { suite, plaintext: bytes, context: encoded }, walk.tools)
  return { ciphertext: sealed, keyId: material.keyId, keyVersion: material.keyVersion }
}

/** What {@link sealFor} seals. */
export interface PlainMessage {
  readonly suite: Suite
  readonly plaintext: Buffer
  readonly context?: EncodedContext | undefined
}

/** Decrypts one message. */
export async function decryptMessage(walk: Walk, request: Opening): Promise<DecryptResult> {
  const { material, suite } = await openFor(walk, { action: 'decrypt', opens: ['message'] }, request)
  const sealed = { message: request.ciphertext, suite, context: request.context ?? emptyContext }
  const opened = await open(material, sealed, walk.tools.timers)
  return { plaintext: opened, keyId: material.keyId, keyVersion: material.keyVersion }
}

/** Re-encrypts one message. A wrapped one keeps its body; only its data key moves. */
export async function reEncryptMessage(
  walk: Walk,
  request: Opening & { readonly newContext?: EncodedContext | undefined },
): Promise<ReEncryptResult> {
  const how = { action: 'reEncryptFrom', opens: ['message', 'dataKey', 'privateKey'] } as const
  const { material: from, suite } = await openFor(walk, how, ownOnly({ ...request, key: undefined }))
  const sealed = { message: request.ciphertext, suite, context: request.context ?? emptyContext }
  const to = { action: 'reEncryptTo', key: request.key ?? from.keyId }
  const newContext = request.newContext ?? sealed.context
  const source = { sourceKeyId: from.keyId, sourceKeyVersion: from.keyVersion }
  const secret = suite.wrapped ? openDataKey(from, sealed) : await open(from, sealed, walk.tools.timers)
  try {
    if (!suite.wrapped)
      return { ...(await sealFor(walk, to, { suite, plaintext: secret, context: newContext })), ...source }
    const material = await walk.material({ ...to, usage, need: 'protect', context: newContext })
    const salt = randomBytesOf(walk.tools.random, saltBytes)
    const moved = resealDataKey(request.ciphertext, secret, { material, context: newContext, salt })
    return { ciphertext: moved, keyId: material.keyId, keyVersion: material.keyVersion, ...source }
  } finally {
    wipe(secret)
  }
}

/** Finds the material that opens a ciphertext: who sealed it, may the caller, does the state allow it. */
export async function openFor(
  walk: Walk,
  how: OpenAs,
  request: Opening,
): Promise<{ material: Material; suite: Suite }> {
  if (request.ciphertext === notBase64url) throw invalidCiphertext('not canonical base64url')
  const header = readHeader(request.ciphertext, how.opens)
  if (request.allowRevoked === true) rescue(walk, request)
  const target: Target = {
    action: how.action,
    key: request.key ?? header.keyId,
    sealedBy: request.key === undefined ? undefined : header.keyId,
    version: header.keyVersion,
    usage,
    need: 'process',
    context: request.context,
    allowRevoked: request.allowRevoked,
    missing: invalidCiphertext,
  }
  return { material: await walk.material(target), suite: header.suite }
}

/** How to open. */
export interface OpenAs {
  readonly action: string
  readonly opens: readonly Suite['opens'][]
}

function rescue(walk: Walk, request: Opening): void {
  if (walk.actor.role !== 'admin' || request.reason === undefined) {
    throw withReason(
      new AccessDeniedError('only an admin gets data away from a revoked key, and says why'),
      'allowRevoked without being admin, or without a reason',
    )
  }
  walk.note({ allowRevoked: true, why: request.reason })
}
