import { z } from 'zod'
import { wireForms } from './wire-form.ts'
import { blindIndexOf, indexBits } from '../../crypto/blind-index.ts'
import { InvalidKeyUsageError, InvalidRequestError, LimitExceededError } from '../../errors.ts'
import { utf8 } from '../../internal/bytes.ts'
import { limits } from '../../internal/defaults.ts'
import { keySpecs } from '../../keys/spec.ts'
import type { Target } from '../../runtime.ts'
import type { Material, PairMaterial } from '../../stages.ts'
import { keyReference, plaintext, textOf, type Plaintext } from './fields.ts'
import { normalizerNames, normalizers, type NormalizerName } from './normalizers.ts'

/** A value to index. */
export interface BlindIndexRequest {
  /** The HMAC key: id or name. */
  readonly key: string
  /** What the value is, such as `customers.email`: equal values of two fields have unrelated indexes. */
  readonly field: string
  /** The value, at most 16 KiB. A string stands for its UTF-8 bytes; bytes are indexed as they are. */
  readonly value: Plaintext
  /** What makes values the same that are meant as the same. For strings. @defaultValue 'none' */
  readonly normalizer?: NormalizerName | undefined
  /** Length of the index, 8 to 256: a short one is shared by many values, and says less of each. @defaultValue 256 */
  readonly bits?: number | undefined
}

/** A blind index. */
export interface BlindIndexResult {
  /** The index, in as many bytes as `bits` needs; what the last byte has left over is zero. */
  readonly index: Buffer
  /** The key that made it. */
  readonly keyId: string
  /** The version of it: store it beside the index. */
  readonly keyVersion: number
}

/** The fields of {@link BlindIndexRequest}, for schemas. */
export const blindIndexFields = {
  key: keyReference,
  field: textOf(256),
  value: z
    .union([z.string().refine((text) => text.isWellFormed(), 'it is not well-formed text'), plaintext])
    .meta(wireForms.message),
  normalizer: z.enum(normalizerNames).optional(),
  bits: z.int().min(8).max(indexBits).optional(),
}

interface Indexing {
  readonly key: string
  readonly field: string
  readonly value: string | Buffer
  readonly normalizer?: NormalizerName | undefined
  readonly bits?: number | undefined
}

/** What indexing claims. Whoever looks something up needs versions that no longer protect. */
export function indexTarget({ key }: Indexing, need: 'protect' | 'process'): Target {
  return { action: 'blindIndex', key, usage: 'GENERATE_VERIFY_MAC', need }
}

/** The value as it is indexed. @throws InvalidRequestError, LimitExceededError */
export function normalized({ value, normalizer = 'none' }: Indexing): Buffer {
  const bytes = typeof value === 'string' ? ofText(value, normalizer) : ofBytes(value, normalizer)
  if (bytes.length > limits.searchableBytes) {
    throw new LimitExceededError(`a value to index has at most ${limits.searchableBytes} bytes`)
  }
  return bytes
}

function ofBytes(bytes: Buffer, normalizer: NormalizerName): Buffer {
  if (normalizer !== 'none') throw new InvalidRequestError('only a string can be normalized')
  return bytes
}

/** What has nothing in it that counts would be found together with everything else of that kind. */
function ofText(text: string, normalizer: NormalizerName): Buffer {
  if (text.length > limits.searchableBytes) {
    throw new LimitExceededError(`a value to index has at most ${limits.searchableBytes} bytes`)
  }
  const made = normalizers[normalizer](text)
  if (made === '' && text !== '') throw new InvalidRequestError('the normalizer leaves nothing of the value')
  return utf8(made)
}

/** The index of a normalized value by one version. */
export function indexBy(
  material: Material | PairMaterial,
  { field, bits = indexBits }: Indexing,
  value: Buffer,
): BlindIndexResult {
  const { indexHash } = keySpecs[material.spec]
  if (material.pair !== undefined || indexHash === undefined) throw new InvalidKeyUsageError('it is not a MAC key')
  const { keyId, keyVersion } = material
  return { index: blindIndexOf(material.secret, indexHash, { field, value, bits }), keyId, keyVersion }
}
