import type { Kms } from '@chatelaine/core'
import type { Note, Users } from './world.ts'

/** What the users of the annex hold. */
export interface Annexed {
  /** Messages, by the name of their key. */
  readonly messages: ReadonlyMap<string, Buffer>
  /** Ids of grants. */
  readonly grants: Readonly<Record<'named' | 'plain' | 'all', string>>
}

const services = ['billing', 'reports', 'dora', 'carl', 'eve']

/** What the users of the annex ask. */
export function annexUsers(annexed: Annexed): Users {
  return {
    grants: annexed.grants,
    ask: async (kms, note) => {
      await Promise.all([
        askForMessages(annexed, kms, note),
        askForLists(kms, note),
        note('describes orders', async () => JSON.stringify(await kms.keys.get({ key: 'front' }))),
        note('describes given', async () => JSON.stringify(await kms.keys.get({ key: 'given' }))),
        note('describes doomed', async () => (await kms.keys.get({ key: 'doomed' })).state),
        note('defaults', async () => JSON.stringify(await kms.keys.getDefaults())),
        ...[3, 30, 257].map(async (seq) => note(`proves ${seq}`, async () => proved(kms, seq))),
        note('data key', async () => String((await kms.dataKeys.get({ reference: 'invoices' })).version)),
        note('verifier keys', async () => String((await kms.audit.verifierKey()).history.length)),
      ])
      await askForChanges(kms, note)
    },
  }
}

async function askForMessages({ messages }: Annexed, kms: Kms, note: Note): Promise<void> {
  const asked = [...messages].flatMap(([name, ciphertext]) =>
    [undefined, ...(name.startsWith('orders') ? services : [])].map(async (who) => {
      const client = who === undefined ? kms : kms.as(who)
      const opened = async (): Promise<string> => (await client.decrypt({ ciphertext })).plaintext.toString()
      return note(`${who ?? 'owner'} decrypts ${name}`, opened)
    }),
  )
  await Promise.all(asked)
}

async function askForLists(kms: Kms, note: Note): Promise<void> {
  const told = (list: { readonly items: readonly unknown[] }): string =>
    list.items.map((item) => JSON.stringify(item)).join('; ')
  await Promise.all([
    note('keys.list', async () => told(await kms.keys.list())),
    note('versions.list', async () => told(await kms.keys.listVersions({ key: 'orders' }))),
    note('grants.list', async () => {
      const { items } = await kms.grants.list()
      // Which id a grant gets that is made while somebody looks, is up to chance.
      return told({ items: items.map((grant) => ({ ...grant, id: undefined })) })
    }),
    note('aliases.list', async () => told(await kms.aliases.list())),
    note('quotas.list', async () => told(await kms.quotas.list())),
  ])
}

async function askForChanges(kms: Kms, note: Note): Promise<void> {
  const again = { idempotencyKey: 'front' }
  await Promise.all([
    note('encrypts under counted', async () => {
      const { keyVersion } = await kms.encrypt({ key: 'counted', plaintext: 'x' })
      return String(keyVersion)
    }),
    note('is over its quota', async () => (await kms.aliases.create({ alias: 'third', key: 'orders' })).alias),
    note('asks once more', async () => (await kms.aliases.create({ alias: 'front', key: 'orders' }, again)).alias),
    note('takes an alias', async () => (await kms.keys.create({ name: 'back', spec: 'AES_256' })).name),
    note('changes', async () => JSON.stringify((await kms.keys.update({ key: 'orders', description: 'd' })).name)),
  ])
  await note('prunes', async () => (await kms.audit.prune({ upTo: 25 })).records)
}

/** What is proved of a record, which may be gone. */
async function proved(kms: Kms, seq: number): Promise<string> {
  const { record, proof } = await kms.audit.inclusionProof({ seq })
  return `${record ?? 'a record that is gone'}, by ${proof.split('\n')[0]}`
}
