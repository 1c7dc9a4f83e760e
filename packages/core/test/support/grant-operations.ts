import type { GrantOperation } from '../../src/index.ts'

/** The whole table of permissions, typed out again. */
export const operations: readonly GrantOperation[] = [
  'encrypt',
  'decrypt',
  'reEncryptFrom',
  'reEncryptTo',
  'generateDataKey',
  'generateDataKeyWithoutPlaintext',
  'decryptDataKey',
  'sign',
  'verify',
  'generateMac',
  'verifyMac',
  'deriveSharedSecret',
  'encapsulate',
  'decapsulate',
  'getPublicKey',
  'generateRandom',
  'createKey',
  'listKeys',
  'describeKey',
  'updateKey',
  'rotateKey',
  'disableKey',
  'enableKey',
  'revokeKey',
  'scheduleKeyDeletion',
  'cancelKeyDeletion',
  'createGrant',
  'revokeGrant',
  'listGrants',
]
/** Those that belong to no key. */
export const belongToNoKey: readonly string[] = ['generateRandom', 'createKey', 'listKeys']
