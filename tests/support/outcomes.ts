import { isKmsError, type AuditRecord, type KmsClient } from '@chatelaine/core'

/** What became of an operation. */
export type Outcome<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly code: string; readonly outcome: unknown }

/** What becomes of an operation. Anything that it throws but a KmsError is thrown on. */
export async function outcomeOf<T>(work: PromiseLike<T>): Promise<Outcome<T>> {
  try {
    return { ok: true, value: await work }
  } catch (error) {
    if (isKmsError(error)) return { ok: false, code: error.code, outcome: Reflect.get(error, 'outcome') }
    throw error
  }
}

/** The code of what it fails with, or `undefined`. */
export async function codeOf(work: PromiseLike<unknown>): Promise<string | undefined> {
  const outcome = await outcomeOf(work)
  return outcome.ok ? undefined : outcome.code
}

/** Every record of a log, oldest first. */
export async function allRecords(kms: Pick<KmsClient, 'audit'>): Promise<AuditRecord[]> {
  const records: AuditRecord[] = []
  for await (const record of kms.audit.list({ limit: 500 })) records.push(record)
  return records
}
