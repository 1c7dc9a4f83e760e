import { z } from 'zod'
import { macOf } from '../../crypto/mac.ts'
import { equalBytes } from '../../crypto/hash.ts'
import { InvalidKeyUsageError, InvalidRequestError } from '../../errors.ts'
import { wipe } from '../../internal/bytes.ts'
import { keySpecs } from '../../keys/spec.ts'
import type { Target, Walk } from '../../runtime.ts'
import { ciphertext, keyReference, keyVersion, signedMessage, type Ciphertext, type Plaintext } from './fields.ts'

/** MAC algorithms, by their names in AWS KMS: each key spec has its own. */
export const macAlgorithmNames = ['HMAC_SHA_224', 'HMAC_SHA_256', 'HMAC_SHA_384', 'HMAC_SHA_512'] as const

/** A MAC algorithm. */
export type MacAlgorithmName = (typeof macAlgorithmNames)[number]

/** A message to authenticate. */
export interface GenerateMacRequest {
  /** The key: id or name. */
  readonly key: string
  /** The message, at most 64 MiB. A string stands for its UTF-8 bytes. */
  readonly message: Plaintext
  /** A wish that is checked: the algorithm is that of the key's spec. @defaultValue none */
  readonly algorithm?: MacAlgorithmName | undefined
}

/** A message authentication code. */
export interface GenerateMacResult {
  /** The MAC, as long as the hash: never truncated. */
  readonly mac: Buffer
  /** The key that made it. */
  readonly keyId: string
  /** The version of it. */
  readonly keyVersion: number
  /** How it was made. */
  readonly algorithm: MacAlgorithmName
}

/** A MAC to verify. */
export interface VerifyMacRequest extends GenerateMacRequest {
  /** The MAC: bytes, or their canonical base64url. */
  readonly mac: Ciphertext
  /** The version that made it. @defaultValue the current one */
  readonly keyVersion?: number | undefined
}

/** What became of a MAC. */
export interface VerifyMacResult {
  /** Whether it is of this message, by this key version. A truncated one never is. */
  readonly valid: boolean
  /** The key that it was verified with. */
  readonly keyId: string
  /** The version of it. */
  readonly keyVersion: number
  /** How it was verified. */
  readonly algorithm: MacAlgorithmName
}

/** The fields of {@link GenerateMacRequest}, for schemas. */
export const generateMacFields = {
  key: keyReference,
  message: signedMessage,
  algorithm: z.enum(macAlgorithmNames).optional(),
}

/** The fields of {@link VerifyMacRequest}, for schemas. */
export const verifyMacFields = { ...generateMacFields, mac: ciphertext, keyVersion: keyVersion.optional() }

interface Authenticating {
  readonly message: Buffer
  readonly algorithm?: MacAlgorithmName | undefined
}

/** The MAC of a message, by the key version that a target names. */
export async function authenticate(
  walk: Walk,
  target: Omit<Target, 'usage'>,
  { message, algorithm: wanted }: Authenticating,
): Promise<GenerateMacResult> {
  const material = await walk.material({ ...target, usage: 'GENERATE_VERIFY_MAC', bytes: message.length })
  const algorithm = keySpecs[material.spec].mac
  if (material.pair !== undefined || algorithm === undefined) throw new InvalidKeyUsageError('it is not a MAC key')
  if (wanted !== undefined && wanted !== algorithm.name) {
    throw new InvalidRequestError('the key makes no MACs with this algorithm')
  }
  const mac = await macOf(algorithm, material.secret, { bytes: message, turn: async () => walk.tools.timers.turn() })
  const { keyId, keyVersion: number } = material
  return { mac, keyId, keyVersion: number, algorithm: algorithm.name as MacAlgorithmName }
}

/** Whether a MAC is the one that was expected, which is wiped: the caller may not learn it here. */
export function matches(expected: Buffer, mac: Buffer): boolean {
  const valid = equalBytes(expected, mac)
  wipe(expected)
  return valid
}
