import { constants, generateKeyPairSync, publicEncrypt, randomBytes } from 'node:crypto'
import type { Kms } from '@chatelaine/core'

/** What a good request says. */
export interface Good {
  readonly path?: Readonly<Record<string, string>>
  readonly query?: Readonly<Record<string, unknown>>
  readonly body?: unknown
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')

/** Makes keys in a house, and for every operation a request that it grants: to be asked in the document's order. */
export async function good(kms: Kms): Promise<Readonly<Record<string, () => Good | Promise<Good>>>> {
  await kms.keys.create({ name: 'orders', spec: 'AES_256', exportable: true })
  await kms.keys.create({ name: 'same', spec: 'AES_256_SIV' })
  await kms.keys.create({ name: 'mac', spec: 'HMAC_256' })
  await kms.keys.create({ name: 'signer', spec: 'ECC_NIST_P256', usage: 'SIGN_VERIFY' })
  await kms.keys.create({ name: 'agree', spec: 'X25519' })
  await kms.keys.create({ name: 'kem', spec: 'ML_KEM_768' })
  await kms.keys.create({ name: 'external', spec: 'AES_256', origin: 'EXTERNAL' })
  for (const name of ['life', 'doomed', 'revoked']) await kms.keys.create({ name, spec: 'AES_256' })
  await kms.keys.disable({ key: 'doomed' })
  await kms.keys.scheduleDeletion({ key: 'doomed' })
  await kms.grants.create({ name: 'old', principal: 'someone', key: 'orders', operations: ['decrypt'] })
  await kms.aliases.create({ alias: 'old-alias', key: 'orders' })
  await kms.aliases.create({ alias: 'moving', key: 'orders' })
  await kms.dataKeys.generate({ key: 'orders', reference: 'data' })
  await kms.audit.checkpoint()
  await kms.quotas.set({ operation: 'rotateKey', per: 'tenant', limit: 1000, windowSeconds: 60 })
  const { ciphertext } = await kms.encrypt({ key: 'orders', plaintext: 'x', envelope: 'wrapped' })
  const sealed = base64(ciphertext)
  const dataKey = await kms.generateDataKey({ key: 'orders' })
  const { signature } = await kms.sign({ key: 'signer', message: 'x' })
  const { mac } = await kms.generateMac({ key: 'mac', message: 'x' })
  const kem = await kms.encapsulate({ key: 'kem' })
  const same = await kms.deterministicEncrypt({ key: 'same', plaintext: 'x' })
  const spki = (type: 'rsa' | 'x25519'): string => {
    const { publicKey } =
      type === 'rsa' ? generateKeyPairSync('rsa', { modulusLength: 2048 }) : generateKeyPairSync('x25519')
    return base64(publicKey.export({ type: 'spki', format: 'der' }))
  }
  const importing = async (): Promise<Good> => {
    const wrappingAlgorithm = 'RSAES_OAEP_SHA_256' as const
    const asked = await kms.keys.getParametersForImport({ key: 'external', wrappingAlgorithm })
    const key = {
      key: asked.publicKey,
      format: 'der',
      type: 'spki',
      padding: constants.RSA_PKCS1_OAEP_PADDING,
      oaepHash: 'sha256',
    } as const
    const encryptedKeyMaterial = base64(publicEncrypt(key, randomBytes(32)))
    const expiresAt = new Date(Date.now() + 86_400_000).toISOString()
    return {
      path: { key: 'external' },
      body: { importToken: base64(asked.importToken), encryptedKeyMaterial, wrappingAlgorithm, expiresAt },
    }
  }
  const of = (key: string, body: object = {}): Good => ({ path: { key }, body })
  const ofKey = (body: object = {}): Good => ({ body: { key: 'orders', ...body } })
  const items = (...all: readonly object[]): Good => ({ body: { items: all } })
  const message = { text: 'x' }
  return {
    createKey: () => ({ body: { name: 'made', spec: 'AES_256', tags: { a: 'b' }, gracePeriodDays: 7 } }),
    listKeys: () => ({ query: { limit: 2, owner: 'shop', tagKey: 'team', tagValue: 'checkout' } }),
    describeKey: () => of('orders'),
    ensureKey: () => ({ path: { name: 'ensured' }, body: { spec: 'HMAC_512' } }),
    updateKey: () => of('orders', { description: 'x', validUntil: '2099-01-01T00:00:00Z' }),
    listKeyVersions: () => ({ path: { key: 'orders' }, query: { limit: 5 } }),
    getPublicKey: () => ({ path: { key: 'signer' }, query: { keyVersion: 1 } }),
    rotateKey: () => of('life'),
    disableKey: () => of('life', { reason: 'x' }),
    enableKey: async () => {
      if ((await kms.keys.get({ key: 'life' })).state === 'Enabled') await kms.keys.disable({ key: 'life' })
      return of('life')
    },
    revokeKey: () => of('revoked', { reason: 'lost' }),
    scheduleKeyDeletion: () => of('external', { pendingWindowInDays: 7 }),
    cancelKeyDeletion: () => of('doomed'),
    trimKey: () => of('orders'),
    describeKeyDefaults: () => ({}),
    updateKeyDefaults: () => ({ body: { gracePeriodDays: 9 } }),
    getParametersForImport: () => of('external', { wrappingAlgorithm: 'RSAES_OAEP_SHA_256' }),
    importKeyMaterial: importing,
    deleteImportedKeyMaterial: async () => {
      await kms.keys.create({
        name: 'brought',
        spec: 'AES_256',
        origin: 'EXTERNAL',
        material: { format: 'raw', bytes: randomBytes(32) },
      })
      return of('brought')
    },
    exportKey: () => of('orders', { publicKey: spki('rsa'), wrappingAlgorithm: 'RSAES_OAEP_SHA_256' }),
    createAlias: () => ({ body: { alias: 'new-alias', key: 'orders' } }),
    listAliases: () => ({}),
    updateAlias: () => ({ path: { alias: 'moving' }, body: { key: 'orders' } }),
    deleteAlias: () => ({ path: { alias: 'old-alias' } }),
    encrypt: () => ofKey({ plaintext: 'AAAA', context: { a: 'b' }, envelope: 'wrapped' }),
    decrypt: () => ({ body: { ciphertext: sealed } }),
    reEncrypt: () => ({ body: { ciphertext: sealed, newContext: { a: 'b' } } }),
    encryptMany: () =>
      items({ key: 'orders', plaintext: 'AAAA', reference: 'r' }, { key: 'nothing', plaintext: message }),
    decryptMany: () => items({ ciphertext: sealed }, { ciphertext: 'AAAA' }),
    reEncryptMany: () => items({ ciphertext: sealed }),
    decryptRange: () => ({
      body: {
        ciphertext: sealed,
        size: ciphertext.length,
        start: 0,
        end: 1,
        pieces: { chunks: base64(ciphertext.subarray(184)), last: base64(ciphertext.subarray(184)) },
      },
    }),
    reEncryptHeader: () => ({ body: { header: base64(ciphertext.subarray(0, 128)) } }),
    needsReEncrypt: () => ({ body: { ciphertext: sealed } }),
    needsReEncryptMany: () => items({ ciphertext: sealed }),
    deterministicEncrypt: () => ({ body: { key: 'same', plaintext: 'AAAA' } }),
    deterministicDecrypt: () => ({ body: { ciphertext: base64(same.ciphertext) } }),
    blindIndex: () => ({ body: { key: 'mac', field: 'f', value: message, normalizer: 'email', bits: 16 } }),
    blindIndexes: () => ({ body: { key: 'mac', field: 'f', value: 'AAAA' } }),
    generateDataKey: () => ofKey({ numberOfBytes: 24 }),
    generateDataKeyWithoutPlaintext: () => ofKey({ spec: 'AES_128' }),
    generateDataKeyPair: () => ofKey({ spec: 'ECC_NIST_P256' }),
    generateDataKeyPairWithoutPlaintext: () => ofKey({ spec: 'X25519' }),
    decryptDataKey: () => ({ body: { ciphertext: base64(dataKey.ciphertext) } }),
    createDataKey: () => ofKey({ reference: 'other-data' }),
    listDataKeys: () => ({}),
    getDataKey: () => ({ body: { reference: 'data' } }),
    rotateDataKey: () => ({ body: { reference: 'data' } }),
    sign: () => ({ body: { key: 'signer', message, format: 'P1363' } }),
    verify: () => ({ body: { key: 'signer', message, signature: base64(signature) } }),
    signMany: () => items({ key: 'signer', message }),
    verifyMany: () => items({ key: 'signer', message, signature: base64(signature) }),
    generateMac: () => ({ body: { key: 'mac', message } }),
    verifyMac: () => ({ body: { key: 'mac', message, mac: base64(mac) } }),
    deriveSharedSecret: () => ({ body: { key: 'agree', publicKey: spki('x25519') } }),
    encapsulate: () => ({ body: { key: 'kem' } }),
    decapsulate: () => ({ body: { key: 'kem', ciphertext: base64(kem.ciphertext) } }),
    generateRandom: () => ({ body: { numberOfBytes: 16 } }),
    createGrant: () => ({
      body: {
        principal: 'a',
        key: 'orders',
        operations: ['encrypt'],
        expiresAt: '2099-01-01T00:00:00Z',
        constraints: { contextSubset: { a: 'b' } },
      },
    }),
    listGrants: () => ({ query: { key: 'orders' } }),
    upsertGrant: () => ({ body: { principal: 'b', key: '*', operations: ['listKeys'] } }),
    ensureGrant: () => ({
      path: { name: 'ensured' },
      body: { principal: 'c', key: 'orders', operations: ['decrypt'] },
    }),
    revokeGrant: () => ({ path: { grant: 'old' }, query: { reason: 'x' } }),
    activatePrincipal: () => ({ path: { principal: 'someone' } }),
    deactivatePrincipal: () => ({ path: { principal: 'someone' }, body: { reason: 'x' } }),
    listAudit: () => ({ query: { limit: 50, order: 'desc' } }),
    findAudit: () => ({ body: { context: { a: 'b' }, order: 'desc' } }),
    verifyAudit: () => ({}),
    checkpointAudit: () => ({}),
    getAuditVerifierKey: () => ({}),
    proveAuditInclusion: () => ({ query: { seq: 1 } }),
    proveAuditConsistency: () => ({ query: { from: 1 } }),
    rotateAuditKey: () => ({}),
    anchorAudit: () => ({}),
    listAnchors: () => ({}),
    setQuota: () => ({ path: { operation: 'createKey' }, body: { per: 'tenant', limit: 1000, windowSeconds: 60 } }),
    listQuotas: () => ({}),
    removeQuota: () => ({ path: { operation: 'rotateKey' } }),
    health: () => ({}),
    metrics: () => ({}),
    usage: () => ofKey(),
    topUsage: () => ({ body: { by: 'key' } }),
    problematicKeys: () => ({}),
    prometheus: () => ({}),
    rotationCandidates: () => ({ query: { olderThanDays: 0, limit: 3 } }),
    unusedKeys: () => ({ query: { unusedDays: 1 } }),
    healthz: () => ({}),
    readyz: () => ({}),
    openapi: () => ({}),
    reference: () => ({}),
  }
}
