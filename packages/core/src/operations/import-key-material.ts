import { z } from 'zod'
import { wireForms } from './shared/wire-form.ts'
import { maxKeyBytes } from '../crypto/given-material.ts'
import { openPrivate } from '../crypto/key-pair.ts'
import { InvalidRequestError } from '../errors.ts'
import { wipe } from '../internal/bytes.ts'
import { withReason } from '../internal/reason.ts'
import { settleKey } from '../keys/due.ts'
import { importable, importMaterial } from '../keys/imports.ts'
import { openToken, type ImportToken } from '../keys/import-token.ts'
import type { ChangeOperation, ChangeWalk, MaterialPlan } from '../runtime.ts'
import type { KeyRow } from '../state/rows.ts'
import { keyReference } from './shared/fields.ts'
import { describeKeyRow, type KeyDescription } from './shared/keys.ts'
import { bytesUpTo, requireExternal, wrappingAlgorithm, type WrappingAlgorithm } from './shared/wrappings.ts'

/** Material to import, wrapped under the public key that `getParametersForImport` gave. */
export interface ImportKeyMaterialRequest {
  /** The key: id or name. */
  readonly key: string
  /** The wrapped material, as bytes or canonical base64url: secret bytes as they are, a private key in PKCS#8 DER. */
  readonly encryptedKeyMaterial: Uint8Array | string
  /** What came with the public key, as bytes or canonical base64url. */
  readonly importToken: Uint8Array | string
  /** How it is wrapped: as the token was asked for. */
  readonly wrappingAlgorithm: WrappingAlgorithm
  /** When the material ends, exclusive. From then on the key is `PendingImport`. @defaultValue never */
  readonly expiresAt?: Date | undefined
}

/** The longest token is that of an RSA-4096 key, under 2.6 kB. */
const maxTokenBytes = 4096
/** A wrapped key before the longest encoded key and its padding. */
const maxWrappedBytes = maxKeyBytes + 512 + 16

const schema = z.strictObject({
  key: keyReference,
  encryptedKeyMaterial: bytesUpTo(maxWrappedBytes),
  importToken: bytesUpTo(maxTokenBytes),
  wrappingAlgorithm,
  expiresAt: z
    .date()
    .transform((date) => date.getTime())
    .meta(wireForms.date)
    .optional(),
})
type Parsed = z.output<typeof schema>

/** Imports material. Whoever has the token and the right can do so, in any process, more than once. */
export const importKeyMaterial: ChangeOperation<ImportKeyMaterialRequest, Parsed, KeyDescription> = {
  action: 'importKeyMaterial',
  effect: 'change',
  schema,
  perform: async (request, change) => {
    const key = await change.key('importKeyMaterial', request.key)
    requireExternal(key)
    const expiresAt = request.expiresAt ?? null
    if (expiresAt !== null && expiresAt <= change.now) refuse('expiresAt', 'it is in the past')
    const token = validToken(request, key, change)
    const { version } = token
    change.note({ version, wrappingAlgorithm: token.wrapping.name })
    if (expiresAt !== null) change.note({ expiresAt: new Date(expiresAt).toISOString() })
    const plan = planOf(request, key, token)
    await importable(change.set, key, version)
    const material = await change.material(plan)
    const mark = { actor: change.actor.id, now: change.now, reason: undefined }
    const place = { key, keyring: change.keyring }
    const imported = await importMaterial(change.set, place, { version, material, expiresAt, mark })
    if (!imported.isFirst) change.note({ again: true })
    change.subject(imported.key)
    await settleKey(change.set, imported.key)
    return describeKeyRow(imported.key)
  },
}

/** The token of this key, version and algorithm, if it still lives. To the caller all others are the same. */
function validToken(request: Parsed, key: KeyRow, change: ChangeWalk): ImportToken {
  const token = openToken(change.keyring, key, request.importToken)
  if (token === undefined) throw invalidToken('the import token does not open for this key')
  const { wrapping, expiresAt, privateKey } = token
  const isOther = wrapping !== request.wrappingAlgorithm
  if (!isOther && change.now < expiresAt) return token
  wipe(privateKey)
  throw invalidToken(isOther ? 'the import token is for another algorithm' : 'the import token has expired')
}

/** The wrapping key becomes a key object of Node.js, and its bytes are wiped. */
function planOf(request: Parsed, { spec }: KeyRow, { wrapping, privateKey }: ImportToken): MaterialPlan {
  const key = openPrivate(privateKey).privateKey as NonNullable<ReturnType<typeof openPrivate>['privateKey']>
  wipe(privateKey)
  return { spec, wrapped: { algorithm: wrapping, bytes: request.encryptedKeyMaterial, key } }
}

function invalidToken(reason: string): InvalidRequestError {
  const message = 'it is not valid for this key, version and algorithm, or has expired'
  return withReason(new InvalidRequestError(`importToken: ${message}`, [{ path: 'importToken', message }]), reason)
}

function refuse(path: string, message: string): never {
  throw new InvalidRequestError(`${path}: ${message}`, [{ path, message }])
}
