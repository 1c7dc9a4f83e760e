import type { KeyUsage } from '../state/rows.ts'

/** One operation that a grant can name. */
export interface GrantOperationRow {
  /** Whether it belongs to no key, so that only a grant for `*` can name it. */
  readonly keyless?: true
  /** The usage whose verb it is. */
  readonly usage?: KeyUsage
  /** Whether it is part of {@link manageKey}. */
  readonly manage?: true
  /** Whether the role `auditor` may do it without a grant. */
  readonly auditor?: true
}

const verb = { usage: 'ENCRYPT_DECRYPT', manage: true } as const
/** Named data keys are things of their own, which others may have made: who manages the key above does not have them. */
const named = { usage: 'ENCRYPT_DECRYPT' } as const
const signing = { usage: 'SIGN_VERIFY', manage: true } as const
const authenticating = { usage: 'GENERATE_VERIFY_MAC', manage: true } as const
const agreeing = { usage: 'KEY_AGREEMENT', manage: true } as const
const encapsulating = { usage: 'ENCAPSULATE_DECAPSULATE', manage: true } as const

/** Every operation that a grant can name, by name. The one table of permissions. */
export const grantOperations = Object.freeze({
  encrypt: verb,
  decrypt: verb,
  reEncryptFrom: verb,
  reEncryptTo: verb,
  generateDataKey: verb,
  generateDataKeyWithoutPlaintext: verb,
  generateDataKeyPair: verb,
  generateDataKeyPairWithoutPlaintext: verb,
  decryptDataKey: verb,
  createDataKey: named,
  getDataKey: named,
  rotateDataKey: named,
  listDataKeys: { ...named, auditor: true },
  deterministicEncrypt: verb,
  deterministicDecrypt: verb,
  sign: signing,
  verify: signing,
  generateMac: authenticating,
  verifyMac: authenticating,
  blindIndex: authenticating,
  deriveSharedSecret: agreeing,
  encapsulate: encapsulating,
  decapsulate: encapsulating,
  getPublicKey: { manage: true },
  generateRandom: { keyless: true },
  createKey: { keyless: true },
  listKeys: { keyless: true, auditor: true },
  describeKey: { manage: true, auditor: true },
  updateKey: { manage: true },
  rotateKey: { manage: true },
  disableKey: { manage: true },
  enableKey: { manage: true },
  revokeKey: { manage: true },
  getParametersForImport: {},
  importKeyMaterial: {},
  deleteImportedKeyMaterial: {},
  exportKey: {},
  trimKey: {},
  scheduleKeyDeletion: {},
  cancelKeyDeletion: {},
  createGrant: {},
  revokeGrant: {},
  listGrants: { auditor: true },
}) satisfies Readonly<Record<string, GrantOperationRow>>

/** An operation that a grant can name. */
export type GrantOperation = keyof typeof grantOperations

/** All of them, in the order of the table. */
export const grantOperationNames: readonly GrantOperation[] = Object.freeze(
  Object.keys(grantOperations) as GrantOperation[],
)

/** The row of an operation; `undefined` for what no grant can name. */
export function grantOperation(name: string): GrantOperationRow | undefined {
  return Object.hasOwn(grantOperations, name) ? grantOperations[name as GrantOperation] : undefined
}

/**
 * What the manager of a key may do: describe, update, rotate, disable, enable and revoke it, and use it by the verbs of
 * its usage, which are those that its handle has. A `service` that makes a key receives a grant of these on it.
 */
export const manageKey: readonly GrantOperation[] = Object.freeze(
  grantOperationNames.filter((name) => grantOperation(name)?.manage === true),
)
