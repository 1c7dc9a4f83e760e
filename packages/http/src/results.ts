import type {
  BlindIndexResult,
  BlindIndexesResult,
  ConsistencyProof,
  DecapsulateResult,
  DecryptRangeResult,
  DecryptResult,
  EncapsulateResult,
  EncryptResult,
  ExportKeyResult,
  GenerateDataKeyPairResult,
  GenerateMacResult,
  GenerateRandomResult,
  GetDataKeyResult,
  GetParametersForImportResult,
  GetPublicKeyResult,
  InclusionProof,
  LogVerifierKey,
  NeedsReEncryptResult,
  PrincipalDescription,
  ReEncryptHeaderResult,
  RotateAuditKeyResult,
  RotationCandidate,
  ScheduledKeyDeletion,
  SignedCheckpoint,
  SignResult,
  TrimKeyResult,
  UnusedKey,
  VerifyMacResult,
} from '@chatelaine/core'
import type { JsonSchema } from '@chatelaine/core/remote'
import { z } from 'zod'
import { alias, dataKey, grant, key, policies, problem, quota, record, version } from './results/descriptions.ts'
import { anchor, health } from './results/health.ts'
import { metrics, problematicKeys, topUsage, usage } from './results/usage.ts'
import { bytes, count, date, flag, manyOf, pageOf, shape, text } from './results/shape.ts'

const used = { keyId: text, keyVersion: count }
const encrypted = shape<EncryptResult>()({ ciphertext: bytes, ...used })
const decrypted = shape<DecryptResult>()({ plaintext: bytes, ...used })
const source = { sourceKeyId: text, sourceKeyVersion: count }
const reEncrypted = encrypted.extend(source)
const needs = shape<NeedsReEncryptResult>()({ needed: flag, currentVersion: count, ...used })
const signed = shape<SignResult>()({ signature: bytes, algorithm: text, ...used })
const verified = shape<VerifyMacResult>()({ valid: flag, algorithm: text, ...used })
const indexed = shape<BlindIndexResult>()({ index: bytes, ...used })
const pair = shape<GenerateDataKeyPairResult>()({ ...encrypted.shape, plaintext: bytes, publicKey: bytes, spec: text })

/** A public key as RFC 7517, and for post-quantum keys RFC 9964, write it. */
const jwk = z.strictObject({
  kty: text,
  ...Object.fromEntries(['crv', 'x', 'y', 'n', 'e', 'alg', 'pub'].map((name) => [name, text.optional()])),
})

const schemas = {
  encrypted,
  decrypted,
  reEncrypted,
  encryptedMany: manyOf(encrypted),
  decryptedMany: manyOf(decrypted),
  reEncryptedMany: manyOf(reEncrypted),
  range: shape<DecryptRangeResult>()({ ...decrypted.shape, plaintextLength: count }),
  header: shape<ReEncryptHeaderResult>()({ header: bytes, ...used, ...source }),
  needs,
  needsMany: manyOf(needs),
  index: indexed,
  indexes: shape<BlindIndexesResult>()({ indexes: z.array(indexed) }),
  dataKeyMade: encrypted.extend({ plaintext: bytes }),
  pairMade: pair,
  pairSealed: pair.omit({ plaintext: true }),
  signed,
  signedMany: manyOf(signed),
  verified,
  verifiedMany: manyOf(verified),
  mac: shape<GenerateMacResult>()({ mac: bytes, algorithm: text, ...used }),
  secret: shape<DecapsulateResult>()({ sharedSecret: bytes, ...used }),
  encapsulated: shape<EncapsulateResult>()({ sharedSecret: bytes, ciphertext: bytes, ...used }),
  random: shape<GenerateRandomResult>()({ plaintext: bytes }),
  publicKey: shape<GetPublicKeyResult>()({
    publicKey: bytes,
    pem: text,
    jwk,
    spec: text,
    usage: text,
    algorithms: z.array(text),
    ...used,
  }),
  key,
  keyPage: pageOf(key),
  scheduled: shape<ScheduledKeyDeletion>()({ ...key.shape, lastUsedAt: date.optional() }),
  trimmed: shape<TrimKeyResult>()({ destroyed: z.array(count), more: flag }),
  policies,
  alias,
  aliasPage: pageOf(alias),
  quota,
  quotaPage: pageOf(quota),
  versionPage: pageOf(version),
  importParameters: shape<GetParametersForImportResult>()({
    importToken: bytes,
    publicKey: bytes,
    parametersValidTo: date,
    ...used,
  }),
  exported: shape<ExportKeyResult>()({
    encryptedKeyMaterial: bytes,
    wrappingAlgorithm: text,
    spec: text,
    usage: text,
    ...used,
  }),
  dataKey,
  dataKeyPage: pageOf(dataKey),
  dataKeyClear: shape<GetDataKeyResult>()({
    plaintext: bytes,
    id: text,
    version: count,
    state: text,
    currentVersion: count,
    ...used,
  }),
  grant,
  grantPage: pageOf(grant),
  principal: shape<PrincipalDescription>()({ id: text, active: flag }),
  record,
  recordPage: pageOf(record),
  anchors: z.array(anchor),
  checkpoint: shape<SignedCheckpoint>()({ checkpoint: text, size: count, root: text }),
  verifierKey: shape<LogVerifierKey>()({ verifierKey: text, history: z.array(text), origin: text }),
  inclusionProof: shape<InclusionProof>()({ proof: text, record: text.optional(), seq: count, size: count }),
  consistencyProof: shape<ConsistencyProof>()({ proof: text, from: count, to: count }),
  keyOfLog: shape<RotateAuditKeyResult>()({ verifierKey: text, version: count }),
  verification: z.strictObject({
    ok: flag,
    records: count,
    head: text,
    problem: problem.optional(),
    recorded: flag,
  }),
  metrics,
  usage,
  topUsage,
  problematicKeys,
  exposition: text.meta({ description: 'As Prometheus reads metrics.' }),
  rotationCandidatePage: pageOf(
    shape<RotationCandidate>()({
      keyId: text,
      name: text.optional(),
      spec: text,
      currentVersion: count,
      rotatedAt: date,
      reason: text,
      daysSinceRotation: count,
      rotationPeriodDays: count.optional(),
      messages: count.optional(),
      rotateAfterMessages: count.optional(),
    }),
  ),
  unusedKeyPage: pageOf(
    shape<UnusedKey>()({
      keyId: text,
      name: text.optional(),
      state: text,
      createdAt: date,
      lastUsedAt: date.optional(),
    }),
  ),
  health,
} as const

/** Results that are a text, and of which type: all others are JSON. */
const texts: Readonly<Partial<Record<ResultName, string>>> = { exposition: 'text/plain; version=0.0.4; charset=utf-8' }

/** The type of an answer with a result. */
export function mediaTypeOf(name: ResultName): string {
  return texts[name] ?? 'application/json'
}

/** The name of a result. */
export type ResultName = keyof typeof schemas

const made = new Map<string, JsonSchema>()

/** The JSON Schema of a result. */
export function resultSchema(name: ResultName): JsonSchema {
  const known = made.get(name) ?? schemaOf(schemas[name])
  made.set(name, known)
  return known
}

function schemaOf(result: z.ZodType): JsonSchema {
  const { $schema: _, ...schema } = z.toJSONSchema(result)
  return schema
}
