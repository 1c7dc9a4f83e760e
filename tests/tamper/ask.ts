import { createKms, isKmsError, type Clock, type Kms } from '@chatelaine/core'
import type { StorageAdapter } from '@chatelaine/core/storage'
import { Marks, nobody, rootKey, services, type Note, type World } from './world.ts'

/** What the users of a world see, by what they asked. */
export type Answers = ReadonlyMap<string, string>

/** Who is asked, and how. */
export interface Questions {
  /** Which tenants. */
  readonly asked: readonly string[]
  /** What happens once a tenant is open. @defaultValue nothing */
  readonly opened?: (() => Promise<void>) | undefined
  /** Where the storage takes its time: real timers. @defaultValue time stands still */
  readonly deadlineMs?: number | undefined
}

/** Opens each tenant, asks its users everything, has its log verified, and closes it. */
export async function ask(
  world: World,
  storage: StorageAdapter,
  { asked, opened, deadlineMs }: Questions,
): Promise<Answers> {
  const answers = new Map<string, string>()
  for (const tenant of asked) {
    const note = async (question: string, answer: () => Promise<unknown>): Promise<void> => {
      answers.set(`${tenant} ${question}`, await textOf(answer))
    }
    let kms: Kms | undefined
    await note('open', async () => {
      const highWaterMark = new Marks(world.marks)
      const timers = deadlineMs === undefined ? world.clock : undefined
      // Where it takes its time, deadlines pass: what a storage never takes would be tried for ever otherwise.
      const clock = deadlineMs === undefined ? world.clock : passing(world.clock)
      const given = { rootKey, ...world.options }
      kms = await createKms({ ...given, storage, clock, timers, deadlineMs, highWaterMark, tenant })
    })
    if (kms === undefined) continue
    try {
      await opened?.()
      await askUsers(world, { kms, tenant }, note)
    } finally {
      await kms.close()
    }
  }
  return answers
}

/** The date stands still, and time passes. */
function passing(clock: Pick<Clock, 'now'>): Clock {
  return { now: () => clock.now(), monotonic: () => performance.now() }
}

async function askUsers(world: World, asked: Asked, note: Note): Promise<void> {
  const { kms, tenant } = asked
  if (tenant === 'default' && world.users !== undefined) await world.users.ask(kms, note)
  else if (tenant === 'default') await askTenant(world, asked, note)
  else if (tenant === nobody) await note('keys.create', async () => (await kms.keys.create({ spec: 'AES_256' })).spec)
  else await askLittle(world, asked, note)
  await note('verify', async () => {
    const found = await kms.audit.verify()
    return found.ok ? 'ok' : `${found.problem.kind}`
  })
}

interface Asked {
  readonly kms: Kms
  readonly tenant: string
}

/** Of the other tenant, which is beside all this. */
async function askLittle(world: World, { kms, tenant }: Asked, note: Note): Promise<void> {
  const ciphertext = world.messages.get(`${tenant} alpha 3`) as Buffer
  await Promise.all([
    note('owner decrypts', async () => (await kms.decrypt({ ciphertext })).plaintext.toString()),
    note('keys.list', async () => textOfItems(await kms.keys.list())),
  ])
}

async function askForMessages(world: World, { kms, tenant }: Asked, note: Note): Promise<void> {
  await allOf(world.messages, async ([name, ciphertext]) => {
    const isOwn = name.startsWith(tenant)
    if (!isOwn && !name.endsWith('alpha 3')) return
    const isOfServices = isOwn && name.endsWith('3') && !name.includes('gamma')
    await allOf(isOfServices ? [undefined, ...services] : [undefined], async (who) => {
      const client = who === undefined ? kms : kms.as(who)
      const opened = async (): Promise<string> => (await client.decrypt({ ciphertext })).plaintext.toString()
      await note(`${who ?? 'owner'} decrypts ${name}`, opened)
    })
  })
}

async function askForKey(key: string, { kms }: Asked, note: Note): Promise<void> {
  const told = async (): Promise<string> => JSON.stringify(await kms.keys.get({ key }))
  const versions = async (): Promise<string> => textOfItems(await kms.keys.listVersions({ key }))
  const encrypted = allOf(key === 'gamma' ? [] : services, async (who) =>
    note(`${who} encrypts under ${key}`, async () => {
      const { keyId, keyVersion } = await kms.as(who).encrypt({ key, plaintext: 'x' })
      return `${keyId} ${keyVersion}`
    }),
  )
  await Promise.all([note(`describes ${key}`, told), note(`versions.list of ${key}`, versions), encrypted])
}

/** Everything that is asked at once shares its transactions with what else is asked: that is what makes a case cheap. */
async function askTenant(world: World, asked: Asked, note: Note): Promise<void> {
  const { kms } = asked
  await Promise.all([
    askForMessages(world, asked, note),
    allOf(['alpha', 'beta', 'gamma'], async (key) => askForKey(key, asked, note)),
    note('keys.list', async () => textOfItems(await kms.keys.list())),
    note('keys.list by tag', async () => textOfItems(await kms.keys.list({ tagKey: 'of', tagValue: 'default' }))),
    note('grants.list', async () => textOfItems(await kms.grants.list())),
    note('data key', async () => {
      const { plaintext, version } = await kms.dataKeys.get({ reference: 'invoices' })
      return `${version} ${Buffer.from(plaintext).toString('hex')}`
    }),
  ])
  const grant = { name: 'billing-reads', principal: 'billing', key: 'alpha', operations: ['decrypt'] } as const
  await Promise.all([
    note('takes a name', async () => kms.keys.create({ name: 'alpha', spec: 'AES_256' })),
    note('takes the name of a grant', async () => (await kms.grants.ensure(grant)).id),
    note('changes', async () => JSON.stringify((await kms.keys.update({ key: 'alpha', description: 'd' })).name)),
  ])
}

async function allOf<T>(items: Iterable<T>, work: (item: T) => Promise<void>): Promise<void> {
  await Promise.all([...items].map(work))
}

function textOfItems({ items }: { readonly items: readonly unknown[] }): string {
  return items.map((item) => JSON.stringify(item)).join('; ')
}

async function textOf(answer: () => Promise<unknown>): Promise<string> {
  try {
    return String(await answer())
  } catch (error) {
    if (isKmsError(error)) return error.code
    throw error
  }
}
