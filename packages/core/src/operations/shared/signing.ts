import { z } from 'zod'
import { wireForms } from './wire-form.ts'
import type { MessageType, SignatureFormat, SigningAlgorithm, ToSign } from '../../crypto/signing.ts'
import { InvalidRequestError } from '../../errors.ts'
import { copyBytes, isBytes, lengthOf } from '../../internal/bytes.ts'
import { keySpecs } from '../../keys/spec.ts'
import type { Walk } from '../../runtime.ts'
import type { KeySpec } from '../../state/rows.ts'
import type { PairMaterial } from '../../stages.ts'
import { ciphertext, keyReference, keyVersion, signedMessage, type Ciphertext, type Plaintext } from './fields.ts'
import { privateOf, requirePair } from './opening.ts'

/** Signature algorithms, by their names in AWS KMS. */
export const signingAlgorithmNames = [
  'RSASSA_PSS_SHA_256',
  'RSASSA_PSS_SHA_384',
  'RSASSA_PSS_SHA_512',
  'RSASSA_PKCS1_V1_5_SHA_256',
  'RSASSA_PKCS1_V1_5_SHA_384',
  'RSASSA_PKCS1_V1_5_SHA_512',
  'ECDSA_SHA_256',
  'ECDSA_SHA_384',
  'ECDSA_SHA_512',
  'ED25519_SHA_512',
  'ED25519_PH_SHA_512',
  'ML_DSA_SHAKE_256',
] as const

/** A signature algorithm. */
export type SigningAlgorithmName = (typeof signingAlgorithmNames)[number]

/** What is signed, and how. */
export interface SignatureRequest {
  /** The key: id or name. */
  readonly key: string
  /** The message, at most 64 MiB, or its digest. A string stands for its UTF-8 bytes. */
  readonly message: Plaintext
  /**
   * Whether `message` is the message itself, or its digest by the algorithm's own hash, which must have exactly that
   * length. Ed25519 without `PH` and ML-DSA sign messages only. @defaultValue 'RAW'
   */
  readonly messageType?: MessageType | undefined
  /** How to sign. @defaultValue RSASSA_PSS_SHA_256 for RSA keys, otherwise the first or only one of the key's spec */
  readonly algorithm?: SigningAlgorithmName | undefined
  /** How an ECDSA signature is written: ASN.1 DER, or `r ‖ s` as JOSE and Web Crypto want it. @defaultValue 'DER' */
  readonly format?: SignatureFormat | undefined
  /** For ML-DSA: the context string of FIPS 204, at most 255 bytes. @defaultValue none */
  readonly signingContext?: Uint8Array | undefined
}

/** A message to sign. */
export interface SignRequest extends SignatureRequest {}

/** A signature. */
export interface SignResult {
  /** The signature, in the algorithm's own format. It is no id: others of the same message may exist. */
  readonly signature: Buffer
  /** The key that signed. */
  readonly keyId: string
  /** The version of it: verifying under this one needs `keyVersion` after a rotation. */
  readonly keyVersion: number
  /** How it was signed. */
  readonly algorithm: SigningAlgorithmName
}

/** A signature to verify. */
export interface VerifyRequest extends SignatureRequest {
  /** The signature: bytes, or their canonical base64url. */
  readonly signature: Ciphertext
  /** The version that signed. @defaultValue the current one */
  readonly keyVersion?: number | undefined
}

/** What became of a signature. */
export interface VerifyResult {
  /** Whether it is of this message, by this key version and algorithm. */
  readonly valid: boolean
  /** The key that it was verified with. */
  readonly keyId: string
  /** The version of it. */
  readonly keyVersion: number
  /** How it was verified. */
  readonly algorithm: SigningAlgorithmName
}

/** The fields of {@link SignRequest}, for schemas. */
export const signFields = {
  key: keyReference,
  message: signedMessage,
  messageType: z.enum(['RAW', 'DIGEST']).optional(),
  algorithm: z.enum(signingAlgorithmNames).optional(),
  format: z.enum(['DER', 'P1363']).optional(),
  signingContext: z
    .custom<Uint8Array>(
      (value) => isBytes(value) && lengthOf(value) <= 255,
      'it is not a Uint8Array of at most 255 bytes',
    )
    .transform(copyBytes)
    .meta({ ...wireForms.bytes, maxLength: 340 })
    .optional(),
}

/** The fields of {@link VerifyRequest}, for schemas. */
export const verifyFields = { ...signFields, signature: ciphertext, keyVersion: keyVersion.optional() }

interface Signing {
  readonly key: string
  readonly message: Buffer
  readonly messageType?: MessageType | undefined
  readonly algorithm?: SigningAlgorithmName | undefined
  readonly format?: SignatureFormat | undefined
  readonly signingContext?: Buffer | undefined
}

interface Verifying extends Signing {
  readonly signature: Buffer
  readonly keyVersion?: number | undefined
}

/** Signs one message with the current version of a key. */
export async function signMessage(walk: Walk, request: Signing): Promise<SignResult> {
  const how = { action: 'sign', usage: 'SIGN_VERIFY', need: 'protect' } as const
  const target = { ...how, key: request.key, bytes: request.message.length }
  const material = requirePair(await walk.material(target))
  const [algorithm, message] = asked(material.spec, request)
  const made = algorithm.sign(privateOf(material), message)
  const signature = made instanceof Promise ? await made : made
  return { signature, ...named(material, algorithm) }
}

/** Verifies one signature: what does not fit is `valid: false`, whatever is wrong with it. */
export async function verifySignature(walk: Walk, request: Verifying): Promise<VerifyResult> {
  const { key, keyVersion: version } = request
  const how = { action: 'verify', usage: 'SIGN_VERIFY', need: 'process' } as const
  const target = { ...how, key, version, bytes: request.message.length }
  const material = requirePair(await walk.material(target))
  const [algorithm, message] = asked(material.spec, request)
  const valid = await algorithm.verify(material.pair.publicKey, message, request.signature)
  return { valid, ...named(material, algorithm) }
}

function named(
  { keyId, keyVersion: number }: PairMaterial,
  { name }: SigningAlgorithm,
): { keyId: string; keyVersion: number; algorithm: SigningAlgorithmName } {
  return { keyId, keyVersion: number, algorithm: name as SigningAlgorithmName }
}

/** The algorithm of a request, and the message as it takes it. @throws InvalidRequestError for what it does not take. */
function asked(spec: KeySpec, request: Signing): [SigningAlgorithm, ToSign] {
  const rows = keySpecs[spec].signing ?? []
  const algorithm = request.algorithm === undefined ? rows[0] : rows.find(({ name }) => name === request.algorithm)
  if (algorithm === undefined) throw new InvalidRequestError('the key does not sign with this algorithm')
  requireTaken(algorithm, request)
  const { message: bytes, messageType: type = 'RAW', format = 'DER', signingContext: context } = request
  return [algorithm, { type, bytes, format, context }]
}

function requireTaken(algorithm: SigningAlgorithm, request: Signing): void {
  const { digestBytes } = algorithm
  if (request.messageType === 'DIGEST' && digestBytes === undefined) {
    throw new InvalidRequestError('this algorithm signs messages, not digests')
  }
  if (request.messageType === 'DIGEST' && request.message.length !== digestBytes) {
    throw new InvalidRequestError(`a digest for this algorithm has ${String(digestBytes)} bytes`)
  }
  if (request.format !== undefined && algorithm.hasFormats !== true) {
    throw new InvalidRequestError('signatures of this algorithm have one format')
  }
  if (request.signingContext !== undefined && algorithm.takesContext !== true) {
    throw new InvalidRequestError('this algorithm takes no context string')
  }
}
