import type { Kms } from '@chatelaine/core'

/** Something that an administrator of the annex does, and that cannot be taken back, or that others rely on. */
export interface Act {
  readonly name: string
  readonly does: (kms: Kms, grants: Readonly<Record<string, string>>) => Promise<unknown>
  /** With what it may refuse besides, where a row is missing: it says that nothing was done, and nothing was. */
  readonly mayRefuseWith?: string | undefined
  /** Whether less may come of it, without a word: the rest is done the next time. @defaultValue false */
  readonly mayDoLess?: boolean | undefined
}

/** What fails of it is in its report, and is tried again later. */
async function doDue(kms: Kms): Promise<void> {
  const [failure] = (await kms.scheduler.runDue()).failed
  if (failure !== undefined) throw failure.error
}

/** What administrators do. */
export const acts: readonly Act[] = [
  { name: 'rewrap', does: async (kms) => kms.rootKey.rewrap() },
  { name: 'rewrap into a new epoch', does: async (kms) => kms.rootKey.rewrap({ newEpoch: true }) },
  { name: 'retire a root key', does: async (kms) => kms.rootKey.rotate({ retire: true }) },
  { name: 'revoke a grant by id', does: async (kms, { plain }) => kms.grants.revoke({ grant: plain as string }) },
  { name: 'revoke a grant of all by id', does: async (kms, { all }) => kms.grants.revoke({ grant: all as string }) },
  { name: 'revoke a grant by name', does: async (kms) => kms.grants.revoke({ grant: 'reads' }) },
  {
    name: 'replace a grant',
    does: async (kms) => kms.grants.upsert({ principal: 'reports', key: 'orders', operations: ['encrypt'] }),
  },
  { name: 'deactivate a principal', does: async (kms) => kms.principals.deactivate({ principal: 'billing' }) },
  { name: 'activate a principal', does: async (kms) => kms.principals.activate({ principal: 'carl' }) },
  { name: 'disable a key', does: async (kms) => kms.keys.disable({ key: 'front' }) },
  { name: 'revoke a key', does: async (kms) => kms.keys.revoke({ key: 'orders', reason: 'leaked' }) },
  { name: 'revoke a version', does: async (kms) => kms.keys.revoke({ key: 'orders', version: 2, reason: 'leaked' }) },
  { name: 'trim', does: async (kms) => kms.keys.trim({ key: 'orders' }) },
  { name: 'rotate a key', does: async (kms) => kms.keys.rotate({ key: 'orders' }) },
  { name: 'schedule a deletion', does: async (kms) => kms.keys.scheduleDeletion({ key: 'given' }) },
  { name: 'delete imported material', does: async (kms) => kms.keys.deleteImportedKeyMaterial({ key: 'given' }) },
  { name: 'do what is due', does: doDue, mayDoLess: true },
  { name: 'change defaults', does: async (kms) => kms.keys.updateDefaults({ maxMessageBytes: 2000 }) },
  { name: 'delete an alias', does: async (kms) => kms.aliases.delete({ alias: 'back' }) },
  { name: 'retarget an alias', does: async (kms) => kms.aliases.retarget({ alias: 'back', key: 'counted' }) },
  { name: 'remove a quota', does: async (kms) => kms.quotas.remove({ operation: 'createAlias', name: 'default' }) },
  { name: 'rotate a data key', does: async (kms) => kms.dataKeys.rotate({ reference: 'invoices' }) },
  { name: 'rotate the key of the log', does: async (kms) => kms.audit.rotateKey() },
  { name: 'sign a checkpoint', does: async (kms) => kms.audit.checkpoint() },
  { name: 'prune', does: async (kms) => kms.audit.prune(), mayRefuseWith: 'CONFLICT', mayDoLess: true },
]
