import type { KmsClient } from '../../src/index.ts'

const watching = <R>(run: (client: KmsClient) => Promise<R>) => ({ needs: undefined, auditor: true, run }) as const

/** Verbs that operators look with. Of these only the health is for everybody. */
export const opsVerbs = {
  'ops.metrics': watching(async (client) => client.ops.metrics()),
  'ops.usage': watching(async (client) => client.ops.usage({ principal: 'owner' })),
  'ops.topUsage': watching(async (client) => client.ops.topUsage({ by: 'key' })),
  'ops.problematicKeys': watching(async (client) => client.ops.problematicKeys()),
  'ops.rotationCandidates': watching(async (client) => client.ops.rotationCandidates()),
  'ops.unusedKeys': watching(async (client) => client.ops.unusedKeys()),
  'ops.prometheus': watching(async (client) => client.ops.prometheus()),
  'ops.health': { needs: [], auditor: true, open: true, run: async (client: KmsClient) => client.ops.health() },
} as const
