import { recipient } from './wrapped-material.ts'
import type { CallOptions, Kms } from '../../src/index.ts'
import { through } from './streams.ts'

/** A method, to be called with whatever request. */
export type Call = (kms: Kms, request: never, options?: CallOptions) => PromiseLike<unknown>

/** Every method that takes a request, and a request that it takes. */
export const methods: Readonly<Record<string, readonly [Call, object]>> = {
  encrypt: [async (kms, request, options) => kms.encrypt(request, options), { key: 'k', plaintext: '1' }],
  encryptText: [async (kms, request, options) => kms.encryptText(request, options), { key: 'k', plaintext: '1' }],
  encryptJson: [async (kms, request, options) => kms.encryptJson(request, options), { key: 'k', value: 1 }],
  decrypt: [async (kms, request, options) => kms.decrypt(request, options), { ciphertext: 'AAAA' }],
  decryptText: [async (kms, request, options) => kms.decryptText(request, options), { ciphertext: 'AAAA' }],
  decryptJson: [async (kms, request, options) => kms.decryptJson(request, options), { ciphertext: 'AAAA' }],
  reEncrypt: [async (kms, request, options) => kms.reEncrypt(request, options), { ciphertext: 'AAAA' }],
  reEncryptText: [async (kms, request, options) => kms.reEncryptText(request, options), { ciphertext: 'AAAA' }],
  encryptMany: [async (kms, request, options) => kms.encryptMany(request, options), { items: [] }],
  decryptMany: [async (kms, request, options) => kms.decryptMany(request, options), { items: [] }],
  reEncryptMany: [async (kms, request, options) => kms.reEncryptMany(request, options), { items: [] }],
  encryptStream: [async (kms, request, options) => through(kms.encryptStream(request, options), ['1']), { key: 'k' }],
  decryptStream: [async (kms, request, options) => through(kms.decryptStream(request, options), ['1']), {}],
  reEncryptStream: [async (kms, request, options) => through(kms.reEncryptStream(request, options), ['1']), {}],
  decryptRange: [
    async (kms, request, options) => kms.decryptRange(request, options),
    { ciphertext: new Uint8Array([0, 0, 0]) },
  ],
  reEncryptHeader: [
    async (kms, request, options) => kms.reEncryptHeader(request, options),
    { header: Buffer.alloc(128).toString('base64url') },
  ],
  generateDataKey: [async (kms, request, options) => kms.generateDataKey(request, options), { key: 'k' }],
  generateDataKeyWithoutPlaintext: [
    async (kms, request, options) => kms.generateDataKeyWithoutPlaintext(request, options),
    { key: 'k' },
  ],
  generateDataKeyPair: [
    async (kms, request, options) => kms.generateDataKeyPair(request, options),
    { key: 'k', spec: 'X25519' },
  ],
  generateDataKeyPairWithoutPlaintext: [
    async (kms, request, options) => kms.generateDataKeyPairWithoutPlaintext(request, options),
    { key: 'k', spec: 'ECC_NIST_P256' },
  ],
  withDataKey: [async (kms, request, options) => kms.withDataKey(request, () => undefined, options), { key: 'k' }],
  'dataKeys.generate': [
    async (kms, request, options) => kms.dataKeys.generate(request, options),
    { key: 'k', reference: 'r' },
  ],
  'dataKeys.get': [async (kms, request, options) => kms.dataKeys.get(request, options), { reference: 'r' }],
  'dataKeys.rotate': [async (kms, request, options) => kms.dataKeys.rotate(request, options), { reference: 'r' }],
  'dataKeys.list': [async (kms, request, options) => kms.dataKeys.list(request, options), {}],
  decryptDataKey: [async (kms, request, options) => kms.decryptDataKey(request, options), { ciphertext: 'AAAA' }],
  needsReEncrypt: [async (kms, request, options) => kms.needsReEncrypt(request, options), { ciphertext: 'AAAA' }],
  needsReEncryptMany: [async (kms, request, options) => kms.needsReEncryptMany(request, options), { items: [] }],
  deterministicEncrypt: [
    async (kms, request, options) => kms.deterministicEncrypt(request, options),
    { key: 'k', plaintext: '1' },
  ],
  deterministicDecrypt: [
    async (kms, request, options) => kms.deterministicDecrypt(request, options),
    { ciphertext: 'AAAA' },
  ],
  blindIndex: [async (kms, request, options) => kms.blindIndex(request, options), { key: 'm', field: 'f', value: '1' }],
  blindIndexes: [
    async (kms, request, options) => kms.blindIndexes(request, options),
    { key: 'm', field: 'f', value: '1' },
  ],
  sign: [async (kms, request, options) => kms.sign(request, options), { key: 's', message: '1' }],
  signMany: [async (kms, request, options) => kms.signMany(request, options), { items: [] }],
  verify: [async (kms, request, options) => kms.verify(request, options), { key: 's', message: '1', signature: 'AA' }],
  verifyMany: [async (kms, request, options) => kms.verifyMany(request, options), { items: [] }],
  generateMac: [async (kms, request, options) => kms.generateMac(request, options), { key: 'm', message: '1' }],
  verifyMac: [async (kms, request, options) => kms.verifyMac(request, options), { key: 'm', message: '1', mac: 'AA' }],
  deriveSharedSecret: [
    async (kms, request, options) => kms.deriveSharedSecret(request, options),
    { key: 'a', publicKey: { kty: 'OKP', crv: 'X25519', x: 'B'.repeat(42) + 'A' } },
  ],
  encapsulate: [async (kms, request, options) => kms.encapsulate(request, options), { key: 'e' }],
  decapsulate: [async (kms, request, options) => kms.decapsulate(request, options), { key: 'e', ciphertext: 'AAAA' }],
  getPublicKey: [async (kms, request, options) => kms.getPublicKey(request, options), { key: 's' }],
  generateRandom: [async (kms, request, options) => kms.generateRandom(request, options), { numberOfBytes: 1 }],
  'keys.create': [async (kms, request, options) => kms.keys.create(request, options), { spec: 'AES_256' }],
  'keys.ensure': [async (kms, request, options) => kms.keys.ensure(request, options), { name: 'n', spec: 'AES_256' }],
  'keys.get': [async (kms, request, options) => kms.keys.get(request, options), { key: 'k' }],
  'keys.list': [async (kms, request, options) => kms.keys.list(request, options), {}],
  'keys.listVersions': [async (kms, request, options) => kms.keys.listVersions(request, options), { key: 'k' }],
  'keys.update': [async (kms, request, options) => kms.keys.update(request, options), { key: 'k' }],
  'keys.trim': [async (kms, request, options) => kms.keys.trim(request, options), { key: 'k' }],
  'keys.updateDefaults': [async (kms, request, options) => kms.keys.updateDefaults(request, options), {}],
  'keys.rotate': [async (kms, request, options) => kms.keys.rotate(request, options), { key: 'k' }],
  'keys.disable': [async (kms, request, options) => kms.keys.disable(request, options), { key: 'k' }],
  'keys.enable': [async (kms, request, options) => kms.keys.enable(request, options), { key: 'k' }],
  'keys.revoke': [async (kms, request, options) => kms.keys.revoke(request, options), { key: 'k', reason: 'r' }],
  'keys.scheduleDeletion': [async (kms, request, options) => kms.keys.scheduleDeletion(request, options), { key: 'k' }],
  'keys.cancelDeletion': [async (kms, request, options) => kms.keys.cancelDeletion(request, options), { key: 'k' }],
  'keys.getParametersForImport': [
    async (kms, request, options) => kms.keys.getParametersForImport(request, options),
    { key: 'k', wrappingAlgorithm: 'RSAES_OAEP_SHA_256' },
  ],
  'keys.importKeyMaterial': [
    async (kms, request, options) => kms.keys.importKeyMaterial(request, options),
    {
      key: 'k',
      encryptedKeyMaterial: 'AAAA',
      importToken: 'AAAA',
      wrappingAlgorithm: 'RSAES_OAEP_SHA_256',
    },
  ],
  'keys.deleteImportedKeyMaterial': [
    async (kms, request, options) => kms.keys.deleteImportedKeyMaterial(request, options),
    { key: 'k' },
  ],
  'keys.export': [
    async (kms, request, options) => kms.keys.export(request, options),
    { key: 'k', publicKey: recipient, wrappingAlgorithm: 'RSA_AES_KEY_WRAP_SHA_256' },
  ],
  'aliases.create': [async (kms, request, options) => kms.aliases.create(request, options), { alias: 'new', key: 'k' }],
  'aliases.retarget': [
    async (kms, request, options) => kms.aliases.retarget(request, options),
    { alias: 'a', key: 'k' },
  ],
  'aliases.delete': [async (kms, request, options) => kms.aliases.delete(request, options), { alias: 'a' }],
  'quotas.set': [
    async (kms, request, options) => kms.quotas.set(request, options),
    { operation: 'createKey', per: 'owner', limit: 5, windowSeconds: 60 },
  ],
  'quotas.remove': [async (kms, request, options) => kms.quotas.remove(request, options), { operation: 'createKey' }],
  'quotas.list': [async (kms, request, options) => kms.quotas.list(request, options), {}],
  'aliases.list': [async (kms, request, options) => kms.aliases.list(request, options), {}],
  'grants.create': [
    async (kms, request, options) => kms.grants.create(request, options),
    { principal: 'p', key: 'k', operations: ['encrypt'] },
  ],
  'grants.list': [async (kms, request, options) => kms.grants.list(request, options), {}],
  'principals.deactivate': [
    async (kms, request, options) => kms.principals.deactivate(request, options),
    { principal: 'p' },
  ],
  'audit.list': [async (kms, request, options) => kms.audit.list(request, options), {}],
  'ops.metrics': [async (kms, request, options) => kms.ops.metrics(request, options), {}],
  'ops.usage': [async (kms, request, options) => kms.ops.usage(request, options), { principal: 'p' }],
  'ops.topUsage': [async (kms, request, options) => kms.ops.topUsage(request, options), { by: 'key' }],
  'ops.problematicKeys': [async (kms, request, options) => kms.ops.problematicKeys(request, options), {}],
  'audit.verify': [async (kms, request, options) => kms.audit.verify(request, options), {}],
  'audit.inclusionProof': [async (kms, request, options) => kms.audit.inclusionProof(request, options), { seq: 0 }],
  'audit.consistencyProof': [
    async (kms, request, options) => kms.audit.consistencyProof(request, options),
    { from: 1 },
  ],
  'audit.rotateKey': [async (kms, request, options) => kms.audit.rotateKey(request, options), {}],
  'audit.tail': [async (kms, request, options) => kms.audit.tail(request, options).next(), { from: 0 }],
}
