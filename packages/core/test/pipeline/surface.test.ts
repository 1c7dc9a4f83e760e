import { describe, expect, test } from 'vitest'
import { Kms, KmsClient, Namespaces, StreamingClient, Tenants } from '../../src/index.ts'
import * as entry from '../../src/index.ts'
import { makeWorld } from '../support/kms.ts'

const verbs = [
  'key',
  'encrypt',
  'decrypt',
  'reEncrypt',
  'encryptMany',
  'decryptMany',
  'reEncryptMany',
  'encryptText',
  'decryptText',
  'reEncryptText',
  'encryptJson',
  'decryptJson',
  'generateDataKey',
  'generateDataKeyWithoutPlaintext',
  'generateDataKeyPair',
  'generateDataKeyPairWithoutPlaintext',
  'withDataKey',
  'decryptDataKey',
  'sign',
  'verify',
  'signMany',
  'verifyMany',
  'generateMac',
  'verifyMac',
  'deriveSharedSecret',
  'encapsulate',
  'decapsulate',
  'getPublicKey',
  'generateRandom',
]
const streaming = ['encryptStream', 'decryptStream', 'reEncryptStream', 'decryptRange', 'reEncryptHeader']
const bulkAndSearch =
  'needsReEncrypt needsReEncryptMany reEncryptAll deterministicEncrypt deterministicDecrypt blindIndex blindIndexes'.split(
    ' ',
  )
const namespaces = {
  keys: [
    'create',
    'ensure',
    'get',
    'list',
    'listVersions',
    'update',
    'trim',
    'getDefaults',
    'updateDefaults',
    'rotate',
    'disable',
    'enable',
    'revoke',
    'scheduleDeletion',
    'cancelDeletion',
    'getParametersForImport',
    'importKeyMaterial',
    'deleteImportedKeyMaterial',
    'export',
  ],
  aliases: ['create', 'retarget', 'delete', 'list'],
  dataKeys: ['generate', 'get', 'rotate', 'list'],
  grants: ['create', 'ensure', 'upsert', 'list', 'revoke'],
  quotas: ['set', 'remove', 'list'],
  principals: ['deactivate', 'activate'],
  audit: [
    'anchor',
    'checkpoint',
    'consistencyProof',
    'export',
    'exportTiles',
    'find',
    'inclusionProof',
    'list',
    'prune',
    'rotateKey',
    'tail',
    'verifierKey',
    'verify',
  ],
  ops: 'anchors health metrics usage topUsage problematicKeys rotationCandidates unusedKeys prometheus'.split(' '),
}
const ofOwner = ['as', 'backup', 'on', 'tenant', 'close']

function methodsOf(value: object): string[] {
  const names = Object.getOwnPropertyNames(Object.getPrototypeOf(value))
  return names.filter((name) => name !== 'constructor').toSorted()
}

/** Whatever can be reached from an object by its properties, symbols and getters included. */
function reachable(from: unknown, path = '', seen = new Map<unknown, string>()): Map<unknown, string> {
  if ((typeof from !== 'object' && typeof from !== 'function') || from === null || seen.has(from)) return seen
  seen.set(from, path)
  for (const key of Reflect.ownKeys(from)) {
    const property = Object.getOwnPropertyDescriptor(from, key)
    reachable(property?.value, `${path}.${String(key)}`, seen)
  }
  return seen
}

describe('what a client has', () => {
  test('D65 are these verbs and namespaces, and no others', async () => {
    const { kms } = await makeWorld()
    const client = kms.as('app')
    expect(Object.keys(client).toSorted()).toEqual(Object.keys(namespaces).toSorted())
    expect(methodsOf(client)).toEqual(verbs.toSorted())
    expect(Object.getPrototypeOf(KmsClient.prototype)).toBe(Namespaces.prototype)
    expect(methodsOf(KmsClient.prototype)).toEqual([])
    const above: object = Object.getPrototypeOf(Namespaces.prototype)
    expect(methodsOf(Namespaces.prototype)).toEqual(bulkAndSearch.toSorted())
    expect(Object.getPrototypeOf(above)).toBe(StreamingClient.prototype)
    expect(methodsOf(above)).toEqual(streaming.toSorted())
    expect(Object.getPrototypeOf(StreamingClient.prototype)).toBe(Object.prototype)
    for (const [name, methods] of Object.entries(namespaces)) {
      const namespace = Reflect.get(client, name) as object
      expect([name, methodsOf(namespace)]).toEqual([name, methods.toSorted()])
      expect([name, Reflect.ownKeys(namespace)]).toEqual([name, []])
    }
  })

  test('D65 is nothing of what only the owner of the house has', async () => {
    const { kms } = await makeWorld()
    const client = kms.as({ id: 'anna', role: 'admin' })
    expect(client).toBeInstanceOf(KmsClient)
    expect(client).not.toBeInstanceOf(Kms)
    for (const name of [...ofOwner, 'tenants', 'rootKey', 'scheduler', Symbol.asyncDispose]) {
      expect([name, Reflect.has(client, name)]).toEqual([name, false])
    }
    expect(methodsOf(kms)).toEqual(ofOwner.toSorted())
    expect(Object.keys(kms).toSorted()).toEqual(
      [...Object.keys(namespaces), 'rootKey', 'scheduler', 'tenants'].toSorted(),
    )
    expect(kms.tenants).toBeInstanceOf(Tenants)
    expect(methodsOf(kms.tenants)).toEqual(['ensure', 'list'])
    expect(methodsOf(kms.scheduler)).toEqual(['runDue', 'start', 'stop'])
    expect(Reflect.ownKeys(kms.scheduler)).toEqual([])
    expect(methodsOf(kms.rootKey)).toEqual(['rewrap', 'rotate', 'status'])
  })

  test('D65 leads to nothing inside: no storage, keyring, ledger or pipeline can be reached from it', async () => {
    const { kms } = await makeWorld()
    const client = kms.as('app')
    for (const value of [client, client.key('k'), kms, kms.tenants, client.keys.list(), client.audit.tail()]) {
      const own = [...reachable(value).entries()].filter(([, path]) => !path.includes('constructor'))
      const instances = own.filter(([found]) => typeof found === 'object').map(([, path]) => path)
      const expected = value instanceof KmsClient ? Object.keys(Object(value)).length + 1 : 1
      expect(instances).toHaveLength(expected)
    }
  })

  test('D65 cannot be told to be somebody else', async () => {
    const { kms } = await makeWorld()
    const client = kms.as('app')
    for (const name of ['actor', 'role', 'principal', 'tenant'])
      Reflect.set(client, name, { id: 'owner', role: 'admin' })
    await expect(client.keys.create({ spec: 'AES_256' })).rejects.toMatchObject({ code: 'ACCESS_DENIED' })
    const who = { id: 'app', role: 'service' as 'service' | 'admin' }
    const bound = kms.as(who)
    who.role = 'admin'
    await expect(bound.keys.create({ spec: 'AES_256' })).rejects.toMatchObject({ code: 'ACCESS_DENIED' })
    const request = { spec: 'AES_256', actor: { id: 'owner', role: 'admin' } } as never
    await expect(client.keys.create(request)).rejects.toMatchObject({ code: 'INVALID_REQUEST' })
  })
})

test('D65 the entry names what is public, and nothing that works inside', () => {
  expect(Object.keys(entry).toSorted()).toMatchInlineSnapshot(`
    [
      "AbortedError",
      "AccessDeniedError",
      "AgreementKey",
      "AnchorConflictError",
      "AuditOverloadedError",
      "AuditUnavailableError",
      "ClosedError",
      "ConflictError",
      "EncapsulationKey",
      "EncryptionKey",
      "Inspection",
      "InvalidCiphertextError",
      "InvalidKeyStateError",
      "InvalidKeyUsageError",
      "InvalidRequestError",
      "KeyHandle",
      "KeyNotFoundError",
      "Kms",
      "KmsClient",
      "KmsError",
      "LimitExceededError",
      "Listing",
      "MacKey",
      "NameTakenError",
      "Namespaces",
      "PreconditionFailedError",
      "QuotaExceededError",
      "RollbackDetectedError",
      "RootKeyMismatchError",
      "RootKeyMissingError",
      "RootKeyUnavailableError",
      "RootKeys",
      "Scheduler",
      "SigningKey",
      "StorageTamperedError",
      "StorageUnavailableError",
      "StreamingClient",
      "TenantNotFoundError",
      "Tenants",
      "UnsupportedOnThisRuntimeError",
      "anyOf",
      "createKms",
      "deviceKey",
      "envRootKey",
      "fileAnchor",
      "fileHighWaterMark",
      "fileRootKey",
      "generateRootKey",
      "inspectKms",
      "isCiphertext",
      "isKmsError",
      "keyTag",
      "localRootKey",
      "manageKey",
      "passphraseRootKey",
      "restoreKms",
      "shortGrace",
      "witnessAnchor",
    ]
  `)
})
