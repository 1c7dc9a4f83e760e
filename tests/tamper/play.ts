import { checkInvariants } from '@chatelaine/conformance'
import { createKms, isKmsError, type Kms } from '@chatelaine/core'
import { storageFailureOf, isStorageConflict } from '@chatelaine/core/storage'
import type { StorageAdapter, StorageTransaction } from '@chatelaine/core/storage'
import { Marks, rootKey, services, tenants, type World } from './world.ts'

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

/** An adapter on a transaction that is under way, and undone in the end. */
function inside(tx: StorageTransaction): StorageAdapter {
  return {
    name: 'inside',
    open: async () => ({ exists: true }),
    migrate: async () => undefined,
    snapshot: async (read) => read(tx),
    transact: async (_, write) => tx.savepoint(async () => write(tx)),
    close: async () => undefined,
  }
}

/** Attacks a world and looks what its users see: all of it in one transaction, which is undone then. */
export async function play(world: World, attack: Attack, baseline: Answers): Promise<Outcome> {
  let outcome: Outcome | undefined
  try {
    await world.storage.transact('default', async (tx) => {
      await strike(tx, attack)
      outcome = await judge(world, inside(tx), baseline)
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
      answers = await ask(world, inside(tx))
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

async function judge(world: World, storage: StorageAdapter, baseline: Answers): Promise<Outcome> {
  const answers = await ask(world, storage)
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
  // Nobody who was asked stands on it. Whoever looks at everything, without a key, sees it.
  const [problem] = await checkInvariants(storage, { maxProblems: 1 })
  if (problem !== undefined) return { verdict: 'told by the oracle', why: problem }
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

async function ask(world: World, storage: StorageAdapter): Promise<Answers> {
  const answers = new Map<string, string>()
  for (const tenant of tenants) {
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
  await note('owner decrypts', async () => (await kms.decrypt({ ciphertext })).plaintext.toString())
  await note('keys.list', async () => (await kms.keys.list()).items.map((item) => JSON.stringify(item)).join('; '))
}

type Note = (question: string, answer: () => Promise<unknown>) => Promise<void>

async function askForMessages(world: World, { kms, tenant }: Asked, note: Note): Promise<void> {
  for (const [name, ciphertext] of world.messages) {
    const isOwn = name.startsWith(tenant)
    if (!isOwn && !name.endsWith('alpha 3')) continue
    const isOfServices = isOwn && name.endsWith('3') && !name.includes('gamma')
    for (const who of isOfServices ? [undefined, ...services] : [undefined]) {
      const client = who === undefined ? kms : kms.as(who)
      const opened = async (): Promise<string> => (await client.decrypt({ ciphertext })).plaintext.toString()
      await note(`${who ?? 'owner'} decrypts ${name}`, opened)
    }
  }
}

async function askTenant(world: World, asked: Asked, note: Note): Promise<void> {
  const { kms } = asked
  await askForMessages(world, asked, note)
  for (const key of ['alpha', 'beta', 'gamma']) {
    const told = async (): Promise<string> => JSON.stringify(await kms.keys.get({ key }))
    await note(`describes ${key}`, told)
    await note(`versions.list of ${key}`, async () => {
      const { items } = await kms.keys.listVersions({ key })
      return items.map((item) => JSON.stringify(item)).join('; ')
    })
    for (const who of key === 'gamma' ? [] : services) {
      await note(`${who} encrypts under ${key}`, async () => {
        const { keyId, keyVersion } = await kms.as(who).encrypt({ key, plaintext: 'x' })
        return `${keyId} ${keyVersion}`
      })
    }
  }
  await note('keys.list', async () => (await kms.keys.list()).items.map((item) => JSON.stringify(item)).join('; '))
  await note('grants.list', async () => (await kms.grants.list()).items.map((item) => JSON.stringify(item)).join('; '))
  await note('data key', async () => {
    const { plaintext, version } = await kms.dataKeys.get({ reference: 'invoices' })
    return `${version} ${Buffer.from(plaintext).toString('hex')}`
  })
  await note('takes a name', async () => kms.keys.create({ name: 'alpha', spec: 'AES_256' }))
  await note('takes the name of a grant', async () => {
    const request = { name: 'billing-reads', principal: 'billing', key: 'alpha', operations: ['decrypt'] } as const
    return (await kms.grants.ensure(request)).id
  })
  await note('changes', async () => JSON.stringify((await kms.keys.update({ key: 'alpha', description: 'd' })).name))
}

async function textOf(answer: () => Promise<unknown>): Promise<string> {
  try {
    return String(await answer())
  } catch (error) {
    if (isKmsError(error)) return error.code
    throw error
  }
}
