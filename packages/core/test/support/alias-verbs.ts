import type { KmsClient } from '../../src/index.ts'

type Run = (client: KmsClient, on: { readonly key: string }) => Promise<unknown>

/** Verbs for the aliases of a key. */
export const aliasVerbs = {
  'aliases.create': {
    needs: ['updateKey'],
    names: 'key',
    run: (async (client, { key }) => client.aliases.create({ alias: `${key.slice(0, 200)}/made-by-verb`, key })) as Run,
  },
  'aliases.retarget': {
    needs: ['updateKey'],
    names: 'key',
    run: (async (client, { key }) => client.aliases.retarget({ alias: `${key}/alias`, key })) as Run,
  },
  'aliases.delete': {
    needs: ['updateKey'],
    names: 'key',
    run: (async (client, { key }) => client.aliases.delete({ alias: `${key}/alias` })) as Run,
  },
  'aliases.list': {
    needs: ['describeKey'],
    auditor: true,
    names: 'key',
    run: (async (client, { key }) => client.aliases.list({ key })) as Run,
  },
} as const
