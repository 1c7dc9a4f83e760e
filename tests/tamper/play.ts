import { checkInvariants } from '@chatelaine/conformance'
import { storageFailureOf, isStorageConflict } from '@chatelaine/core/storage'
import type { StorageAdapter, StorageTransaction } from '@chatelaine/core/storage'
import { inside } from './inside.ts'
import { ask, type Answers } from './ask.ts'
import { tenants, type World } from './world.ts'

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
  try {
    return await undone(world, async (tx) => {
      await strike(tx, attack)
      const storage = inside(tx)
      const answers = await ask(world, storage, { asked: asking.asked ?? tenants })
      return verdictOf(answers, asking.baseline) ?? (await oracle(world, storage))
    })
  } catch (error) {
    if (error instanceof Impossible) return { verdict: 'refused by the database', why: String(error.cause) }
    throw error
  }
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

/** What users see where nobody attacks. */
export async function baselineOf(world: World, asked: readonly string[]): Promise<Answers> {
  return undone(world, async (tx) => ask(world, inside(tx), { asked }))
}

/** Does something in one transaction, which is undone then. */
export async function undone<T>({ storage }: World, work: (tx: StorageTransaction) => Promise<T>): Promise<T> {
  let result: { readonly is: T } | undefined
  try {
    await storage.transact('default', async (tx) => {
      result = { is: await work(tx) }
      throw new Undo()
    })
  } catch (error) {
    if (!(error instanceof Undo)) throw error
  }
  return (result as { readonly is: T }).is
}

const refusals = ['STORAGE_TAMPERED', 'ROLLBACK_DETECTED']
/** Refusals for other reasons, which say nothing and give nothing away. A change that the database swallows is a conflict. */
const unavailable = ['STORAGE_UNAVAILABLE', 'AUDIT_UNAVAILABLE', 'CONFLICT']
const fatal = [...refusals, ...unavailable, 'ROOT_KEY_MISMATCH', 'ROOT_KEY_UNAVAILABLE', 'TENANT_NOT_FOUND']

/** What answers come to; `undefined` where they are what they were. */
export function verdictOf(answers: Answers, baseline: Answers): Outcome | undefined {
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
  return undefined
}

/** Nobody who was asked stands on it. Whoever looks at everything of a tenant, without a key, may see it. */
async function oracle(world: World, storage: StorageAdapter): Promise<Outcome> {
  for (const tenant of world.marks.keys()) {
    const [problem] = await checkInvariants(storage, { tenant, maxProblems: 1 })
    if (problem !== undefined) return { verdict: 'told by the oracle', why: problem }
  }
  return { verdict: 'harmless', why: 'everybody sees what they saw before' }
}

function isRefusal(answer: string): boolean {
  return fatal.some((code) => answer === code)
}

/** A list shows less than it showed: in its order, nothing twice, and nothing else. */
function isHidden(question: string, { answer, usual }: { answer: string; usual: string }): boolean {
  if (!question.includes('.list')) return false
  const [shown, left] = [answer === '' ? [] : answer.split('; '), usual.split('; ')]
  for (const item of shown) {
    const at = left.indexOf(item)
    if (at === -1) return false
    left.splice(0, at + 1)
  }
  return true
}
