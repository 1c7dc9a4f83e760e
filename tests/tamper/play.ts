import { checkInvariants } from '@chatelaine/conformance'
import { createKms, isKmsError, type Kms } from '@chatelaine/core'
import { storageFailureOf, isStorageConflict } from '@chatelaine/core/storage'
import type { StorageAdapter, StorageTransaction } from '@chatelaine/core/storage'
import { inside } from './inside.ts'
import { Marks, nobody, rootKey, services, tenants, type World } from './world.ts'

/** What became of an attack. `effective` is what must never be. */
export type Verdict =
  | 'refused on open'
  | 'refused on read'
  | 'refused on verify'
  | 'told by the oracle'
  | 'hidden from a list'
  | 'harmless'
  | 'refused by the database'
  | 'EFFECTIVE'

/** A verdict, and why. */
export interface Outcome {
  readonly verdict: Verdict
  readonly why: string
}

class Undo extends Error {}
class Impossible extends Error {}

/** Whose users are asked, and what they see where nobody attacks. */
export interface Asking {
  readonly baseline: Answers
  /** @defaultValue all tenants */
  readonly asked?: readonly string[] | undefined
}

/** Attacks a world and looks what its users see: all of it in one transaction, which is undone then. */
export async function play(world: World, attack: Attack, asking: Asking): Promise<Outcome> {
  let outcome: Outcome | undefined
  try {
    await world.storage.transact('default', async (tx) => {
      await strike(tx, attack)
      outcome = await judge(world, inside(tx), asking)
      throw new Undo()
    })
  } catch (error) {
    if (error instanceof Impossible) return { verdict: 'refused by the database', why: String(error.cause) }
    if (!(error instanceof Undo)) throw error
  }
  return outcome as Outcome
}

/** What somebody does who has the database and no key. */
export type Attack = (tx: StorageTransaction) => Promise<void>

async function strike(tx: StorageTransaction, attack: Attack): Promise<void> {
  try {
    await attack(tx)
  } catch (error) {
    if (isStorageConflict(error) || storageFailureOf(error) !== undefined) throw new Impossible('', { cause: error })
    throw error
  }
}

/** What the users of a world see, by what they asked. */
export type Answers = ReadonlyMap<string, string>

/** What users see where nobody attacks. */
export async function baselineOf(world: World): Promise<Answers> {
  let answers: Answers | undefined
  await world.storage
    .transact('default', async (tx) => {
      answers = await ask(world, inside(tx), [...tenants, nobody])
      throw new Undo()
    })
    .catch((error: unknown) => {
      if (!(error instanceof Undo)) throw error
    })
  return answers as Answers
}

const refusals = ['STORAGE_TAMPERED', 'ROLLBACK_DETECTED']
/** Refusals for other reasons, which say nothing and give nothing away. */
const fatal = [...refusals, 'STORAGE_UNAVAILABLE', 'ROOT_KEY_MISMATCH', 'ROOT_KEY_UNAVAILABLE', 'TENANT_NOT_FOUND']

async function judge(world: World, storage: StorageAdapter, { baseline, asked }: Asking): Promise<Outcome> {
  const answers = await ask(world, storage, asked)
  const differing = [...answers].filter(([question, answer]) => baseline.get(question) !== answer)
  const refused = differing.find(([, answer]) => isRefusal(answer))
  const accepted = differing.filter(([question, answer]) => !isRefusal(answer) && !question.includes('verify'))
  const hidden = accepted.filter(([question, answer]) =>
    isHidden(question, { answer, usual: baseline.get(question) ?? '' }),
  )
  if (accepted.length > hidden.length) {
    const [question, answer] = accepted.find((one) => !hidden.includes(one)) as [string, string]
    return { verdict: 'EFFECTIVE', why: `${question}: ${answer} and not ${String(baseline.get(question))}` }
  }
  if (refused !== undefined) {
    return { verdict: refused[0].endsWith('open') ? 'refused on open' : 'refused on read', why: refused.join(': ') }
  }
  if (hidden[0] !== undefined) return { verdict: 'hidden from a list', why: hidden[0].join(': ') }
  if (differing[0] !== undefined) return { verdict: 'refused on verify', why: differing[0].join(': ') }
  // Nobody who was asked stands on it. Whoever looks at everything of a tenant, without a key, may see it.
  for (const tenant of tenants) {
    const [problem] = await checkInvariants(storage, { tenant, maxProblems: 1 })
    if (problem !== undefined) return { verdict: 'told by the oracle', why: problem }
  }
  return { verdict: 'harmless', why: 'everybody sees what they saw before' }
}

function isRefusal(answer: string): boolean {
  return fatal.some((code) => answer === code)
}

/** A list shows some of what it showed, and nothing else. */
function isHidden(question: string, { answer, usual }: { answer: string; usual: string }): boolean {
  if (!question.includes('.list')) return false
  const shown = answer.split('; ')
  return answer === '' || shown.every((item) => usual.split('; ').includes(item))
}

async function ask(world: World, storage: StorageAdapter, asked: readonly string[] = tenants): Promise<Answers> {
  const answers = new Map<string, string>()
  for (const tenant of asked) {
    const note = async (question: string, answer: () => Promise<unknown>): Promise<void> => {
      answers.set(`${tenant} ${question}`, await textOf(answer))
    }
    let kms: Kms | undefined
    await note('open', async () => {
      const { clock } = world
      const highWaterMark = new Marks(world.marks)
      kms = await createKms({ storage, rootKey, clock, timers: clock, highWaterMark, tenant })
    })
    if (kms === undefined) continue
    if (tenant === 'default') await askTenant(world, { kms, tenant }, note)
    else if (tenant === nobody)
      await note('keys.create', async () => (await kms?.keys.create({ spec: 'AES_256' }))?.spec)
    else await askLittle(world, { kms, tenant }, note)
    await note('verify', async () => {
      const found = await (kms as Kms).audit.verify()
      return found.ok ? 'ok' : `${found.problem.kind}`
    })
    await kms.close()
  }
  return answers
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

type Note = (question: string, answer: () => Promise<unknown>) => Promise<void>

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
