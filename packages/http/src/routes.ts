import type { KmsErrorCode } from '@chatelaine/core'
import type { OperationName } from '@chatelaine/core/remote'
import type { ResultName } from './results.ts'

/** How a request comes in. */
export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/**
 * One operation over HTTP. Members of the request that the path names are in the path; the others are in the query of a
 * GET or DELETE, and otherwise in a JSON body.
 */
export interface Route {
  readonly method: Method
  /** As OpenAPI writes it: `{key}` is the member `key` of the request. */
  readonly path: string
  readonly operation: OperationName
  readonly result: ResultName
  /** Of success. */
  readonly status: 200 | 201
  /** Codes besides those that every route has. */
  readonly codes: readonly KmsErrorCode[]
}

type Row = readonly [operation: OperationName, result: ResultName, codes?: readonly KmsErrorCode[]]

const key = ['KEY_NOT_FOUND'] as const
const state = [...key, 'INVALID_KEY_STATE', 'CONFLICT'] as const
const use = [...key, 'INVALID_KEY_STATE', 'INVALID_KEY_USAGE'] as const
const opening = [...use, 'INVALID_CIPHERTEXT'] as const
const making = [...use, 'NAME_TAKEN', 'CONFLICT', 'UNSUPPORTED_ON_THIS_RUNTIME'] as const
const none = [] as const

const row =
  (method: Method, status: 200 | 201 = 200) =>
  (path: string, [operation, result, codes = none]: Row): Route => ({ method, path, operation, result, status, codes })

const get = row('GET')
const post = row('POST')
const create = row('POST', 201)
const put = row('PUT')
const patch = row('PATCH')
const remove = row('DELETE')

const keys: readonly Route[] = [
  create('/v1/keys', ['createKey', 'key', making]),
  get('/v1/keys', ['listKeys', 'keyPage']),
  get('/v1/keys/{key}', ['describeKey', 'key', key]),
  put('/v1/keys/{name}', ['ensureKey', 'key', making]),
  patch('/v1/keys/{key}', ['updateKey', 'key', state]),
  get('/v1/keys/{key}/versions', ['listKeyVersions', 'versionPage', key]),
  get('/v1/keys/{key}/public-key', ['getPublicKey', 'publicKey', use]),
  post('/v1/keys/{key}/rotate', ['rotateKey', 'key', making]),
  post('/v1/keys/{key}/disable', ['disableKey', 'key', state]),
  post('/v1/keys/{key}/enable', ['enableKey', 'key', state]),
  post('/v1/keys/{key}/revoke', ['revokeKey', 'key', state]),
  post('/v1/keys/{key}/schedule-deletion', ['scheduleKeyDeletion', 'scheduled', state]),
  post('/v1/keys/{key}/cancel-deletion', ['cancelKeyDeletion', 'key', state]),
  post('/v1/keys/{key}/trim', ['trimKey', 'trimmed', state]),
  get('/v1/key-defaults', ['describeKeyDefaults', 'policies']),
  patch('/v1/key-defaults', ['updateKeyDefaults', 'policies', ['CONFLICT']]),
  post('/v1/keys/{key}/import-parameters', ['getParametersForImport', 'importParameters', use]),
  post('/v1/keys/{key}/import', ['importKeyMaterial', 'key', [...making, 'INVALID_CIPHERTEXT']]),
  post('/v1/keys/{key}/delete-imported-material', ['deleteImportedKeyMaterial', 'key', [...use, 'CONFLICT']]),
  post('/v1/keys/{key}/export', ['exportKey', 'exported', use]),
]

const aliases: readonly Route[] = [
  create('/v1/aliases', ['createAlias', 'alias', [...state, 'NAME_TAKEN']]),
  get('/v1/aliases', ['listAliases', 'aliasPage', key]),
  put('/v1/aliases/{alias}', ['updateAlias', 'alias', [...state, 'INVALID_KEY_USAGE']]),
  remove('/v1/aliases/{alias}', ['deleteAlias', 'alias', state]),
]

const quotas: readonly Route[] = [
  put('/v1/quotas/{operation}', ['setQuota', 'quota', ['LIMIT_EXCEEDED']]),
  remove('/v1/quotas/{operation}', ['removeQuota', 'quota', ['CONFLICT']]),
  get('/v1/quotas', ['listQuotas', 'quotaPage', []]),
]

const crypto: readonly Route[] = [
  post('/v1/crypto/encrypt', ['encrypt', 'encrypted', use]),
  post('/v1/crypto/decrypt', ['decrypt', 'decrypted', opening]),
  post('/v1/crypto/re-encrypt', ['reEncrypt', 'reEncrypted', opening]),
  post('/v1/crypto/encrypt-many', ['encryptMany', 'encryptedMany']),
  post('/v1/crypto/decrypt-many', ['decryptMany', 'decryptedMany']),
  post('/v1/crypto/re-encrypt-many', ['reEncryptMany', 'reEncryptedMany']),
  post('/v1/crypto/decrypt-range', ['decryptRange', 'range', opening]),
  post('/v1/crypto/re-encrypt-header', ['reEncryptHeader', 'header', opening]),
  post('/v1/crypto/needs-re-encrypt', ['needsReEncrypt', 'needs', opening]),
  post('/v1/crypto/needs-re-encrypt-many', ['needsReEncryptMany', 'needsMany']),
  post('/v1/crypto/deterministic-encrypt', ['deterministicEncrypt', 'encrypted', use]),
  post('/v1/crypto/deterministic-decrypt', ['deterministicDecrypt', 'decrypted', opening]),
  post('/v1/crypto/blind-index', ['blindIndex', 'index', use]),
  post('/v1/crypto/blind-indexes', ['blindIndexes', 'indexes', use]),
  post('/v1/crypto/generate-data-key', ['generateDataKey', 'dataKeyMade', use]),
  post('/v1/crypto/generate-data-key-without-plaintext', ['generateDataKeyWithoutPlaintext', 'encrypted', use]),
  post('/v1/crypto/generate-data-key-pair', ['generateDataKeyPair', 'pairMade', use]),
  post('/v1/crypto/generate-data-key-pair-without-plaintext', [
    'generateDataKeyPairWithoutPlaintext',
    'pairSealed',
    use,
  ]),
  post('/v1/crypto/decrypt-data-key', ['decryptDataKey', 'decrypted', opening]),
  post('/v1/crypto/sign', ['sign', 'signed', use]),
  post('/v1/crypto/verify', ['verify', 'verified', use]),
  post('/v1/crypto/sign-many', ['signMany', 'signedMany']),
  post('/v1/crypto/verify-many', ['verifyMany', 'verifiedMany']),
  post('/v1/crypto/generate-mac', ['generateMac', 'mac', use]),
  post('/v1/crypto/verify-mac', ['verifyMac', 'verified', use]),
  post('/v1/crypto/derive-shared-secret', ['deriveSharedSecret', 'secret', use]),
  post('/v1/crypto/encapsulate', ['encapsulate', 'encapsulated', [...use, 'UNSUPPORTED_ON_THIS_RUNTIME']]),
  post('/v1/crypto/decapsulate', ['decapsulate', 'secret', [...opening, 'UNSUPPORTED_ON_THIS_RUNTIME']]),
  post('/v1/crypto/random', ['generateRandom', 'random']),
]

// Their names are stored nowhere, so they are in no URL either.
const dataKeys: readonly Route[] = [
  create('/v1/data-keys', ['createDataKey', 'dataKey', [...use, 'NAME_TAKEN', 'CONFLICT']]),
  get('/v1/data-keys', ['listDataKeys', 'dataKeyPage', key]),
  post('/v1/data-keys/get', ['getDataKey', 'dataKeyClear', opening]),
  post('/v1/data-keys/rotate', ['rotateDataKey', 'dataKey', [...opening, 'CONFLICT']]),
]

const access: readonly Route[] = [
  create('/v1/grants', ['createGrant', 'grant', [...state, 'NAME_TAKEN']]),
  get('/v1/grants', ['listGrants', 'grantPage', key]),
  put('/v1/grants', ['upsertGrant', 'grant', [...state, 'NAME_TAKEN']]),
  put('/v1/grants/{name}', ['ensureGrant', 'grant', [...state, 'NAME_TAKEN']]),
  remove('/v1/grants/{grant}', ['revokeGrant', 'grant', ['CONFLICT']]),
  post('/v1/principals/{principal}/activate', ['activatePrincipal', 'principal', ['CONFLICT']]),
  post('/v1/principals/{principal}/deactivate', ['deactivatePrincipal', 'principal', ['CONFLICT']]),
]

const audit: readonly Route[] = [
  get('/v1/audit', ['listAudit', 'recordPage']),
  // A context is data, and in no URL.
  post('/v1/audit/find', ['findAudit', 'recordPage']),
  post('/v1/audit/verify', ['verifyAudit', 'verification']),
  post('/v1/audit/anchor', ['anchorAudit', 'anchors']),
  get('/v1/audit/anchors', ['listAnchors', 'anchors']),
  post('/v1/audit/checkpoint', ['checkpointAudit', 'checkpoint']),
  get('/v1/audit/verifier-key', ['getAuditVerifierKey', 'verifierKey']),
  get('/v1/audit/proofs/inclusion', ['proveAuditInclusion', 'inclusionProof']),
  get('/v1/audit/proofs/consistency', ['proveAuditConsistency', 'consistencyProof']),
  post('/v1/audit/rotate-key', ['rotateAuditKey', 'keyOfLog', ['CONFLICT']]),
  get('/v1/ops/health', ['health', 'health']),
  get('/v1/ops/metrics', ['metrics', 'metrics']),
  get('/v1/ops/prometheus', ['prometheus', 'exposition']),
  get('/v1/ops/rotation-candidates', ['rotationCandidates', 'rotationCandidatePage']),
  get('/v1/ops/unused-keys', ['unusedKeys', 'unusedKeyPage']),
  post('/v1/ops/usage', ['usage', 'usage', key]),
  post('/v1/ops/top-usage', ['topUsage', 'topUsage']),
  post('/v1/ops/problematic-keys', ['problematicKeys', 'problematicKeys']),
]

/** Every operation that can be asked over HTTP. A new one is a new row. */
export const routes: readonly Route[] = Object.freeze([
  ...keys,
  ...aliases,
  ...quotas,
  ...crypto,
  ...dataKeys,
  ...access,
  ...audit,
])

/** Where the audit log is followed, as server-sent events: no operation, but one for as long as somebody listens. */
export const tailPath = '/v1/audit/tail'

/** The names that a path gives members of the request. */
export function pathMembers(path: string): readonly string[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name as string)
}

/** The route of an operation. */
export function routeOf(operation: OperationName): Route {
  const found = byOperation.get(operation)
  if (found === undefined) throw new Error(`there is no route to ${operation}`)
  return found
}

const byOperation = new Map(routes.map((route) => [route.operation, route]))
