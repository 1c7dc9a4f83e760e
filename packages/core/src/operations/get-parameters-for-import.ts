import { z } from 'zod'
import { wipe } from '../internal/bytes.ts'
import { importable } from '../keys/imports.ts'
import { importTokenLifetimeMs, sealToken } from '../keys/import-token.ts'
import type { ChangeOperation } from '../runtime.ts'
import { keyReference, keyVersion } from './shared/fields.ts'
import { requireExternal, wrappingAlgorithm, wrappingKeySpecs } from './shared/wrappings.ts'
import type { WrappingAlgorithm, WrappingKeySpec } from './shared/wrappings.ts'

/** An import to prepare. */
export interface GetParametersForImportRequest {
  /** The key: id or name. */
  readonly key: string
  /** The version to import into. @defaultValue the current one */
  readonly version?: number | undefined
  /** How the material will be wrapped. A private RSA key fits `RSA_AES_KEY_WRAP_SHA_256` only. */
  readonly wrappingAlgorithm: WrappingAlgorithm
  /** The RSA key to wrap it under, which is made for this import. @defaultValue 'RSA_3072' */
  readonly wrappingKeySpec?: WrappingKeySpec | undefined
}

/** What it takes to import material. */
export interface GetParametersForImportResult {
  /** To be handed over with the material. It contains the private half of the wrapping key, which only this house can read. */
  readonly importToken: Buffer
  /** What to wrap the material under: SubjectPublicKeyInfo in DER. */
  readonly publicKey: Buffer
  /** The key that the token is for. */
  readonly keyId: string
  /** The version of it. */
  readonly keyVersion: number
  /** When the token ends: 24 hours from now, exclusive. */
  readonly parametersValidTo: Date
}

const schema = z.strictObject({
  key: keyReference,
  version: keyVersion.optional(),
  wrappingAlgorithm,
  wrappingKeySpec: z.enum(wrappingKeySpecs).optional(),
})

/** Makes a wrapping key for one import. Nothing of it is stored: it is in the token. */
export const getParametersForImport: ChangeOperation<
  GetParametersForImportRequest,
  z.output<typeof schema>,
  GetParametersForImportResult
> = {
  action: 'getParametersForImport',
  effect: 'change',
  schema,
  perform: async (request, change) => {
    const key = await change.key('getParametersForImport', request.key)
    requireExternal(key)
    const { version } = await importable(change.set, key, request.version ?? key.currentVersion)
    const spec = request.wrappingKeySpec ?? 'RSA_3072'
    const wrapping = request.wrappingAlgorithm
    change.note({ version, wrappingAlgorithm: wrapping.name, wrappingKeySpec: spec })
    const { bytes, publicKey } = await change.material({ spec })
    const expiresAt = change.now + importTokenLifetimeMs
    const importToken = sealToken(change.keyring, key, { version, wrapping, expiresAt, privateKey: bytes })
    wipe(bytes)
    const parametersValidTo = new Date(expiresAt)
    return { importToken, publicKey: publicKey as Buffer, keyId: key.id, keyVersion: version, parametersValidTo }
  },
}
