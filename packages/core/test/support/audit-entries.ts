import type { ChangeEntry, UseEntry } from '../../src/audit/entry.ts'
import type { Waiter } from '../../src/audit/queue.ts'
import type { RecordDraft } from '../../src/audit/record.ts'
import type { KmsError } from '../../src/errors.ts'

/** A draft whose waiting takes exactly 480 bytes. */
export const draft: RecordDraft = {
  action: 'encrypt',
  actor: { id: '', role: 'service' },
  status: 'SUCCESS',
  startedAt: 0,
}

/** A use that holds in every state. */
export function useOf(change: Partial<UseEntry> = {}): UseEntry {
  return {
    kind: 'use',
    drafts: [draft],
    revision: 0,
    validUntil: Infinity,
    resultBytes: 0,
    charge: undefined,
    holds: async () => true,
    ...change,
  }
}

/** A use that is told apart by its action. */
export function namedUse(action: string, change: Partial<UseEntry> = {}): UseEntry {
  return useOf({ drafts: [{ ...draft, action }], ...change })
}

/** A change that does what it is told. */
export function changeOf(
  action: string,
  work: ChangeEntry['perform'] = async () => ({ ...draft, action }),
): ChangeEntry {
  return {
    kind: 'change',
    perform: work,
    refused: (error: KmsError) => ({ ...draft, action, status: 'FAILURE', code: error.code }),
  }
}

/** Somebody with all the patience of the queue. */
export function waiter(signal?: AbortSignal): Waiter {
  return { signal, deadline: {} }
}
