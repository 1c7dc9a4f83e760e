import type { ClientVerb } from './client-verb.ts'

/** Verbs of the audit log: none of them belongs to a key, and no grant gives one. */
export const audit: Readonly<Record<string, ClientVerb>> = {
  'audit.list': { needs: undefined, auditor: true, run: async (client) => client.audit.list() },
  'audit.verify': { needs: undefined, auditor: true, run: async (client) => client.audit.verify() },
  'audit.tail': { needs: undefined, auditor: true, run: async (client) => client.audit.tail({ from: 0 }).next() },
  'audit.checkpoint': { needs: undefined, auditor: true, run: async (client) => client.audit.checkpoint() },
  'audit.inclusionProof': {
    needs: undefined,
    auditor: true,
    run: async (client) => client.audit.inclusionProof({ seq: 0 }),
  },
  'audit.consistencyProof': {
    needs: undefined,
    auditor: true,
    run: async (client) => client.audit.consistencyProof({ from: 1 }),
  },
  'audit.verifierKey': { needs: undefined, auditor: true, run: async (client) => client.audit.verifierKey() },
  'audit.rotateKey': { needs: undefined, run: async (client) => client.audit.rotateKey() },
}
