import { audit } from './audit-verbs.ts'
import type { ClientVerb, Target } from './client-verb.ts'
import { recipient } from './wrapped-material.ts'
import type { GrantOperation, Kms } from '../../src/index.ts'
import { opsVerbs } from './ops-verbs.ts'
import { aliasVerbs } from './alias-verbs.ts'
import { through } from './streams.ts'

const keyVerb = (needs: readonly GrantOperation[], run: ClientVerb['run']): ClientVerb => ({ needs, names: 'key', run })
const messageVerb = (need: GrantOperation, run: ClientVerb['run']): ClientVerb => ({
  needs: [need],
  names: 'message',
  run,
})

const movingVerb = (run: ClientVerb['run']): ClientVerb => ({
  needs: ['reEncryptFrom', 'reEncryptTo'],
  names: 'message',
  run,
})

/** The item of a many-verb as a single verb: its error is thrown. */
async function item(result: Promise<{ readonly items: readonly { ok: boolean; error?: Error }[] }>): Promise<unknown> {
  const [only] = (await result).items
  if (only?.error !== undefined) throw only.error
  return only
}

/** Verbs that use keys. */
export const using: Readonly<Record<string, ClientVerb>> = {
  encrypt: keyVerb(['encrypt'], async (client, { key }) => client.encrypt({ key, plaintext: '1' })),
  encryptText: keyVerb(['encrypt'], async (client, { key }) => client.encryptText({ key, plaintext: '1' })),
  encryptJson: keyVerb(['encrypt'], async (client, { key }) => client.encryptJson({ key, value: 1 })),
  encryptMany: keyVerb(['encrypt'], async (client, { key }) =>
    item(client.encryptMany({ items: [{ key, plaintext: '1' }] })),
  ),
  decrypt: messageVerb('decrypt', async (client, { message }) => client.decrypt({ ciphertext: message })),
  decryptText: messageVerb('decrypt', async (client, { message }) => client.decryptText({ ciphertext: message })),
  decryptJson: messageVerb('decrypt', async (client, { message }) => client.decryptJson({ ciphertext: message })),
  decryptMany: messageVerb('decrypt', async (client, { message }) =>
    item(client.decryptMany({ items: [{ ciphertext: message }] })),
  ),
  reEncrypt: movingVerb(async (client, { message }) => client.reEncrypt({ ciphertext: message })),
  reEncryptText: movingVerb(async (client, { message }) => client.reEncryptText({ ciphertext: message })),
  reEncryptMany: movingVerb(async (client, { message }) =>
    item(client.reEncryptMany({ items: [{ ciphertext: message }] })),
  ),
  encryptStream: keyVerb(['encrypt'], async (client, { key }) => through(client.encryptStream({ key }), ['1'])),
  decryptStream: messageVerb('decrypt', async (client, { message }) => through(client.decryptStream(), [message])),
  reEncryptStream: movingVerb(async (client, { wrapped }) => through(client.reEncryptStream(), [wrapped])),
  decryptRange: messageVerb('decrypt', async (client, { message }) => client.decryptRange({ ciphertext: message })),
  reEncryptHeader: movingVerb(async (client, { wrapped }) =>
    client.reEncryptHeader({ header: wrapped.subarray(0, 128) }),
  ),
  generateDataKey: keyVerb(['generateDataKey'], async (client, { key }) => client.generateDataKey({ key })),
  generateDataKeyWithoutPlaintext: keyVerb(['generateDataKeyWithoutPlaintext'], async (client, { key }) =>
    client.generateDataKeyWithoutPlaintext({ key }),
  ),
  generateDataKeyPair: keyVerb(['generateDataKeyPair'], async (client, { key }) =>
    client.generateDataKeyPair({ key, spec: 'X25519' }),
  ),
  generateDataKeyPairWithoutPlaintext: keyVerb(['generateDataKeyPairWithoutPlaintext'], async (client, { key }) =>
    client.generateDataKeyPairWithoutPlaintext({ key, spec: 'X25519' }),
  ),
  withDataKey: keyVerb(['generateDataKey'], async (client, { key }) =>
    client.withDataKey({ key }, ({ keyVersion }) => keyVersion),
  ),
  decryptDataKey: messageVerb('decryptDataKey', async (client, { dataKey }) =>
    client.decryptDataKey({ ciphertext: dataKey }),
  ),
}

/** Verbs of other usages, origins and exportable keys: an encryption key has none of them, which whoever may is told, and whoever may not is not. */
export const ofOtherUsages: Readonly<Record<string, ClientVerb>> = {
  sign: keyVerb(['sign'], async (client, { key }) => client.sign({ key, message: '1' })),
  signMany: keyVerb(['sign'], async (client, { key }) => item(client.signMany({ items: [{ key, message: '1' }] }))),
  verify: keyVerb(['verify'], async (client, { key }) => client.verify({ key, message: '1', signature: 'AAAA' })),
  verifyMany: keyVerb(['verify'], async (client, { key }) =>
    item(client.verifyMany({ items: [{ key, message: '1', signature: 'AAAA' }] })),
  ),
  generateMac: keyVerb(['generateMac'], async (client, { key }) => client.generateMac({ key, message: '1' })),
  verifyMac: keyVerb(['verifyMac'], async (client, { key }) => client.verifyMac({ key, message: '1', mac: 'AAAA' })),
  deriveSharedSecret: keyVerb(['deriveSharedSecret'], async (client, { key }) =>
    client.deriveSharedSecret({ key, publicKey: { kty: 'OKP', crv: 'X25519', x: 'B'.repeat(42) + 'A' } }),
  ),
  encapsulate: keyVerb(['encapsulate'], async (client, { key }) => client.encapsulate({ key })),
  decapsulate: keyVerb(['decapsulate'], async (client, { key }) => client.decapsulate({ key, ciphertext: 'AAAA' })),
  deterministicEncrypt: keyVerb(['deterministicEncrypt'], async (client, { key }) =>
    client.deterministicEncrypt({ key, plaintext: '1' }),
  ),
  blindIndex: keyVerb(['blindIndex'], async (client, { key }) => client.blindIndex({ key, field: 'f', value: '1' })),
  blindIndexes: keyVerb(['blindIndex'], async (client, { key }) =>
    client.blindIndexes({ key, field: 'f', value: '1' }),
  ),
  getPublicKey: keyVerb(['getPublicKey'], async (client, { key }) => client.getPublicKey({ key })),
  'keys.getParametersForImport': keyVerb(['getParametersForImport'], async (client, { key }) =>
    client.keys.getParametersForImport({ key, wrappingAlgorithm: 'RSAES_OAEP_SHA_256', wrappingKeySpec: 'RSA_2048' }),
  ),
  'keys.importKeyMaterial': keyVerb(['importKeyMaterial'], async (client, { key }) =>
    client.keys.importKeyMaterial({
      key,
      encryptedKeyMaterial: 'AAAA',
      importToken: 'AAAA',
      wrappingAlgorithm: 'RSAES_OAEP_SHA_256',
    }),
  ),
  'keys.deleteImportedKeyMaterial': keyVerb(['deleteImportedKeyMaterial'], async (client, { key }) =>
    client.keys.deleteImportedKeyMaterial({ key }),
  ),
  'keys.export': keyVerb(['exportKey'], async (client, { key }) =>
    client.keys.export({ key, publicKey: recipient, wrappingAlgorithm: 'RSA_AES_KEY_WRAP_SHA_256' }),
  ),
}

/** Verbs that tend to one key. */
export const tendingOne: Readonly<Record<string, ClientVerb>> = {
  'dataKeys.generate': keyVerb(['createDataKey'], async (client, { key }) =>
    client.dataKeys.generate({ key, reference: `${key}/made-by-verb` }),
  ),
  'dataKeys.get': keyVerb(['getDataKey'], async (client, { key }) => client.dataKeys.get({ reference: `${key}/kept` })),
  'dataKeys.rotate': keyVerb(['rotateDataKey'], async (client, { key }) =>
    client.dataKeys.rotate({ reference: `${key}/kept` }),
  ),
  'dataKeys.list': {
    ...keyVerb(['listDataKeys'], async (client, { key }) => client.dataKeys.list({ key })),
    auditor: true,
  },
  'keys.get': { ...keyVerb(['describeKey'], async (client, { key }) => client.keys.get({ key })), auditor: true },
  'keys.listVersions': {
    ...keyVerb(['describeKey'], async (client, { key }) => client.keys.listVersions({ key })),
    auditor: true,
  },
  needsReEncrypt: {
    ...keyVerb(['describeKey'], async (client, { key, message }) =>
      client.needsReEncrypt({ ciphertext: message, key }),
    ),
    auditor: true,
  },
  needsReEncryptMany: {
    ...keyVerb(['describeKey'], async (client, { key, message }) =>
      item(client.needsReEncryptMany({ items: [{ ciphertext: message, key }] })),
    ),
    auditor: true,
  },
  ...aliasVerbs,
  'keys.update': keyVerb(['updateKey'], async (client, { key }) => client.keys.update({ key, description: 'b' })),
  'keys.trim': keyVerb(['trimKey'], async (client, { key }) => client.keys.trim({ key })),
  'keys.rotate': keyVerb(['rotateKey'], async (client, { key }) => client.keys.rotate({ key })),
  'keys.disable': keyVerb(['disableKey'], async (client, { key }) => client.keys.disable({ key, version: 1 })),
  'keys.enable': keyVerb(['enableKey'], async (client, { key }) => client.keys.enable({ key, version: 1 })),
  'keys.revoke': keyVerb(['revokeKey'], async (client, { key }) =>
    client.keys.revoke({ key, version: 1, reason: 'leaked' }),
  ),
  'keys.scheduleDeletion': keyVerb(['scheduleKeyDeletion'], async (client, { key }) =>
    client.keys.scheduleDeletion({ key }),
  ),
  'keys.cancelDeletion': keyVerb(['cancelKeyDeletion'], async (client, { key }) => client.keys.cancelDeletion({ key })),
  'grants.create': keyVerb(['createGrant'], async (client, { key }) =>
    client.grants.create({ principal: 'third', key, operations: ['createGrant'] }),
  ),
  'grants.ensure': keyVerb(['createGrant'], async (client, { key }) =>
    client.grants.ensure({ name: 'third', principal: 'third', key, operations: ['createGrant'] }),
  ),
  'grants.upsert': keyVerb(['createGrant'], async (client, { key }) =>
    client.grants.upsert({ principal: 'fourth', key, operations: ['createGrant'] }),
  ),
  'grants.list': { ...keyVerb(['listGrants'], async (client, { key }) => client.grants.list({ key })), auditor: true },
  'grants.revoke': {
    needs: ['revokeGrant'],
    names: 'grant',
    run: async (client, { grant }) => client.grants.revoke({ grant }),
  },
}

/** Verbs that belong to no key, and need a grant on all of them. */
export const keyless: Readonly<Record<string, ClientVerb>> = {
  generateRandom: { needs: ['generateRandom'], run: async (client) => client.generateRandom({ numberOfBytes: 8 }) },
  'keys.create': { needs: ['createKey'], run: async (client) => client.keys.create({ spec: 'AES_256' }) },
  'keys.ensure': { needs: ['createKey'], run: async (client) => client.keys.ensure({ name: 'new', spec: 'AES_256' }) },
  'keys.getDefaults': { needs: undefined, auditor: true, run: async (client) => client.keys.getDefaults() },
  'keys.updateDefaults': { needs: undefined, run: async (client) => client.keys.updateDefaults({}) },
  'keys.list': { needs: ['listKeys'], auditor: true, run: async (client) => client.keys.list() },
  'dataKeys.list of all': { needs: ['listDataKeys'], auditor: true, run: async (client) => client.dataKeys.list() },
  'aliases.list of all': { needs: undefined, auditor: true, run: async (client) => client.aliases.list() },
  'quotas.set': {
    needs: undefined,
    run: async (client) => client.quotas.set({ operation: 'createKey', per: 'owner', limit: 9, windowSeconds: 9 }),
  },
  'quotas.list': { needs: undefined, auditor: true, run: async (client) => client.quotas.list() },
  'quotas.remove': { needs: undefined, run: async (client) => client.quotas.remove({ operation: 'createKey' }) },
  'grants.list of all': { needs: ['listGrants'], auditor: true, run: async (client) => client.grants.list() },
  'principals.deactivate': {
    needs: undefined,
    run: async (client) => client.principals.deactivate({ principal: 'somebody' }),
  },
  'principals.activate': {
    needs: undefined,
    run: async (client) => client.principals.activate({ principal: 'somebody' }),
  },
  ...audit,
  ...opsVerbs,
}

export type { ClientVerb, Target } from './client-verb.ts'

/** Every verb of the client. */
export const verbs: Readonly<Record<string, ClientVerb>> = { ...using, ...tendingOne, ...keyless }

/** Something to try verbs on: a key with one version, a message, a data key, and a grant for somebody else. */
export async function makeTarget(kms: Kms, name: string): Promise<Target & { readonly id: string }> {
  const { id } = await kms.keys.create({ name, spec: 'AES_256' })
  const { ciphertext: message } = await kms.encrypt({ key: name, plaintext: '1' })
  const { ciphertext: wrapped } = await kms.encrypt({ key: name, plaintext: '1', envelope: 'wrapped' })
  const { ciphertext: dataKey } = await kms.generateDataKey({ key: name })
  await kms.dataKeys.generate({ key: name, reference: `${name}/kept` })
  await kms.aliases.create({ alias: `${name}/alias`, key: name })
  const grant = await kms.grants.create({ principal: 'second', key: name, operations: ['encrypt'] })
  return { key: name, id: id!, message, wrapped, dataKey, grant: grant.id }
}
