import { createKms, localRootKey, type HighWaterMark, type Kms, type KmsOptions, type Mark } from '@chatelaine/core'
import { fakeClock, seededRandomness, type FakeClock } from '@chatelaine/core/testing'
import { tables, type Row, type StorageAdapter, type StorageReader } from '@chatelaine/core/storage'

/** All rows of all tables, at one moment. */
export type Image = ReadonlyMap<string, readonly Row[]>

/** A small house with something of everything, its history, and what is out of the attacker's reach. */
export interface World {
  readonly storage: StorageAdapter
  readonly clock: FakeClock
  /** What was stored after each step, the present last. */
  readonly history: readonly Image[]
  readonly marks: ReadonlyMap<string, Mark>
  /** Messages, by the name of their key and version. */
  readonly messages: ReadonlyMap<string, Buffer>
  /** How it is opened, where that is not merely with the root key. */
  readonly options?: Partial<KmsOptions> | undefined
  /** Who asks what, where that is not what is asked of every house. */
  readonly users?: Users | undefined
}

/** Asks something, and notes the answer. */
export type Note = (question: string, answer: () => Promise<unknown>) => Promise<void>

/** Users of a house of its own kind. */
export interface Users {
  /** Ids of grants in it, by what they are called here. */
  readonly grants: Readonly<Record<string, string>>
  readonly ask: (kms: Kms, note: Note) => Promise<void>
}

/** The root key, which the attacker does not have. */
export const rootKey = localRootKey('000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f')

/** Tenants of the world. */
export const tenants = ['default', 'acme'] as const

/** A tenant that there is not, until somebody opens it. */
export const nobody = 'thief'

/** The principals that were granted something, and one that was not. */
export const services = ['billing', 'reports', 'carl', 'dora', 'eve'] as const

/** A storage that stays open when a KMS closes it. */
export function keptOpen(inner: StorageAdapter): StorageAdapter {
  return {
    name: inner.name,
    open: async () => ({ exists: true }),
    migrate: async () => undefined,
    snapshot: async (read) => inner.snapshot(read),
    transact: async (tenant, write, options) => inner.transact(tenant, write, options),
    close: async () => undefined,
  }
}

/** A mark in memory. */
export class Marks implements HighWaterMark {
  readonly kept: Map<string, Mark>

  constructor(kept: ReadonlyMap<string, Mark> = new Map()) {
    this.kept = new Map(kept)
  }

  async read(tenant: string): Promise<Mark | undefined> {
    return this.kept.get(tenant)
  }

  async advance(tenant: string, mark: Mark): Promise<Mark> {
    const known = this.kept.get(tenant)
    if (known !== undefined && known.size >= mark.size) return known
    this.kept.set(tenant, mark)
    return mark
  }
}

/** Everything that a reader shows. */
export async function imageOf(reader: StorageReader): Promise<Image> {
  const image = new Map<string, readonly Row[]>()
  for (const { name, primaryKey } of tables) {
    const rows: Row[] = []
    for (let after: Row | undefined; ; after = rows.at(-1)) {
      const bound = after === undefined ? undefined : primaryKey.map((column) => after?.[column] as string)
      const page = await reader.range(name, { prefix: [], after: bound, limit: 1000 })
      rows.push(...page)
      if (page.length < 1000) break
    }
    image.set(name, rows)
  }
  return image
}

/** Builds the world on an empty storage. @param seed - another one is another database, with the same root key. */
export async function buildWorld(storage: StorageAdapter, seed = 'tamper'): Promise<World> {
  await storage.open(tables)
  await storage.migrate()
  const clock = fakeClock()
  const marks = new Marks()
  const history: Image[] = []
  const messages = new Map<string, Buffer>()
  const random = seededRandomness(seed)
  for (const tenant of tenants) {
    const options = { storage: keptOpen(storage), rootKey, clock, timers: clock, random, highWaterMark: marks, tenant }
    const kms = await createKms(options)
    const step = async (): Promise<void> => {
      clock.advance(400)
      if (tenant === 'default') history.push(await storage.snapshot(imageOf))
    }
    await furnish(kms, { tenant, messages, step })
    await kms.close()
  }
  history.push(await storage.snapshot(imageOf))
  return { storage, clock, history, marks: marks.kept, messages }
}

interface Furnishing {
  readonly tenant: string
  readonly messages: Map<string, Buffer>
  readonly step: () => Promise<void>
}

const specOf = { alpha: 'AES_256', beta: 'AES_256', gamma: 'AES_256' } as const

async function furnish(kms: Kms, { tenant, messages, step }: Furnishing): Promise<void> {
  for (const [name, spec] of Object.entries(specOf)) {
    await kms.keys.create({ name, spec, tags: { of: tenant } })
    for (let version = 1; version <= 3; version++) {
      if (version > 1) await kms.keys.rotate({ key: name })
      const { ciphertext } = await kms.encrypt({ key: name, plaintext: `${name} ${version}` })
      messages.set(`${tenant} ${name} ${version}`, ciphertext)
      await step()
    }
  }
  await grant(kms)
  await step()
  await kms.keys.revoke({ key: 'alpha', version: 1, reason: 'leaked' })
  await kms.keys.disable({ key: 'alpha', version: 2 })
  await step()
  await kms.keys.enable({ key: 'alpha', version: 2 })
  await kms.keys.disable({ key: 'beta' })
  await step()
  await kms.keys.scheduleDeletion({ key: 'gamma' })
  await kms.principals.deactivate({ principal: 'carl', reason: 'left' })
  await step()
  await kms.dataKeys.generate({ reference: 'invoices', key: 'alpha' })
  await kms.dataKeys.rotate({ reference: 'invoices' })
  await step()
  const message = messages.get(`${tenant} alpha 3`) as Buffer
  for (let use = 0; use < (tenant === 'default' ? 160 : 5); use++) {
    await kms.as('billing').decrypt({ ciphertext: message })
    if (use % 32 === 0) await step()
  }
}

async function grant(kms: Kms): Promise<void> {
  const decrypt = ['decrypt'] as const
  await kms.grants.ensure({ name: 'billing-reads', principal: 'billing', key: 'alpha', operations: decrypt })
  await kms.grants.create({ principal: 'reports', key: '*', operations: ['decrypt', 'encrypt'] })
  await kms.grants.create({ principal: 'carl', key: 'alpha', operations: decrypt })
  await kms.grants.create({ principal: 'dora', key: 'beta', operations: ['encrypt'] })
  const gone = await kms.grants.create({ principal: 'eve', key: 'alpha', operations: decrypt })
  await kms.grants.create({ principal: 'eve', key: 'beta', operations: decrypt })
  await kms.grants.revoke({ grant: gone.id })
}
