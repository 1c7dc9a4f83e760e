import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Writable } from 'node:stream'
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
  'audit.find': {
    needs: undefined,
    auditor: true,
    run: async (client) => client.audit.find({ context: { a: 'b' } }),
  },
  'audit.anchor': { needs: undefined, run: async (client) => client.audit.anchor() },
  'audit.export': {
    needs: undefined,
    auditor: true,
    run: async (client) => client.audit.export({ writable: new Writable({ write: (_chunk, _, done) => done() }) }),
  },
  'audit.exportTiles': {
    needs: undefined,
    auditor: true,
    run: async (client) => client.audit.exportTiles({ dir: mkdtempSync(path.join(tmpdir(), 'tiles-')) }),
  },
  'ops.anchors': { needs: undefined, auditor: true, run: async (client) => client.ops.anchors() },
}
