import { createKms, isKmsError, type Kms } from '@chatelaine/core'
import { tables, type Row, type StorageAdapter } from '@chatelaine/core/storage'
import { checkInvariants } from '@chatelaine/conformance'
import { acts, type Act } from './acts.ts'
import { ask, type Answers } from './ask.ts'
import { keyOf } from './attacks.ts'
import { Findings, type Report } from './findings.ts'
import { inside } from './inside.ts'
import { undone, type Outcome } from './play.ts'
import { imageOf, Marks, type Image, type World } from './world.ts'

/** Counts that inform: no administrator acts by them. */
const unhidden = ['usage']
/** Of rows of which there are many alike, so manieth ones are hidden. */
const everyRecord = 40
const everyHead = 12

/** A row that is not there while an administrator does something, and there again afterwards. */
export interface Hiding {
  readonly kind: string
  readonly table: string
  readonly what: string
  readonly act: Act
  readonly row: Row
}

/** Every act, with every row hidden. */
export function* hidings(world: World): Generator<Hiding> {
  const now = world.history.at(-1) as Image
  for (const [at, act] of acts.entries()) {
    for (const [table, rows] of now) {
      if (unhidden.includes(table)) continue
      const every = table === 'records' ? everyRecord : table === 'heads' ? everyHead : 1
      const some = rows.toReversed().filter((_, number) => number % every === 0)
      // Each act begins at another row, so that every row is hidden sometimes, however few are chosen.
      for (const row of [...some.slice(at % some.length), ...some.slice(0, at % some.length)]) {
        const what = `${table} ${JSON.stringify(keyOf(table, row))}`
        yield { kind: `hidden while: ${act.name}`, table, what, act, row }
      }
    }
  }
}

/** Plays them, and counts what came of them. */
export async function hideAll(world: World, chosen: Iterable<Hiding>): Promise<Report> {
  const findings = new Findings()
  const honest = new Map<Act, Honest>()
  const before = await afterwards(world, undefined)
  for (const hiding of chosen) {
    const usual = honest.get(hiding.act) ?? (await afterwards(world, { act: hiding.act }))
    honest.set(hiding.act, usual)
    const found = await afterwards(world, hiding)
    // Told together for each act: what matters is whether any row of any table misleads it.
    findings.note({ ...hiding, table: 'each' }, verdictOf(hiding, { before, usual, found }))
  }
  return findings.report
}

/** What somebody came to who did something, what everybody sees afterwards, and what is stored. */
interface Honest {
  readonly result: string
  readonly answers: Answers
  readonly oracle: string | undefined
  readonly image: ReadonlyMap<string, ReadonlyMap<string, string>>
}

/** Does something while a row is hidden, and asks everybody when it is back. All of it is undone. */
async function afterwards(
  world: World,
  hiding: { readonly act: Act; readonly table?: string; readonly row?: Row } | undefined,
): Promise<Honest> {
  return undone(world, async (tx) => {
    const storage = inside(tx)
    const result = hiding === undefined ? 'nothing' : await during(world, storage, hiding)
    const image = await storage.snapshot(imageOf)
    const answers = await ask(world, storage, { asked: ['default'] })
    const [oracle] = await checkInvariants(storage, { tenant: 'default', maxProblems: 1 })
    return { result, answers, oracle, image: byKey(image) }
  })
}

async function during(
  world: World,
  storage: StorageAdapter,
  { act, table, row }: { readonly act: Act; readonly table?: string; readonly row?: Row },
): Promise<string> {
  const kms = await open(world, storage)
  const change = async (work: Parameters<StorageAdapter['transact']>[1]): Promise<void> => {
    await storage.transact('default', async (tx) => void (await work(tx)))
  }
  if (table !== undefined && row !== undefined) await change(async (tx) => tx.remove(table, keyOf(table, row)))
  const result = await codeOf(act.does(kms, world.users?.grants ?? {}))
  // What goes after it goes now.
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => void setImmediate(resolve))
  if (table !== undefined && row !== undefined) {
    await change(async (tx) => {
      if ((await tx.get(table, keyOf(table, row))) !== undefined) await tx.remove(table, keyOf(table, row))
      await tx.insert(table, row)
    })
  }
  await kms.close().catch(() => undefined)
  return result
}

async function open({ clock, marks, options }: World, storage: StorageAdapter): Promise<Kms> {
  if (options?.rootKey === undefined) throw new Error('nobody said how this house is opened')
  const { rootKey } = options
  return createKms({ ...options, rootKey, storage, clock, timers: clock, highWaterMark: new Marks(marks) })
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work
    return 'done'
  } catch (error) {
    if (isKmsError(error)) return error.code
    throw error
  }
}

interface Compared {
  /** What everybody sees where nothing is done. */
  readonly before: Honest
  /** What becomes of it where nobody hides anything. */
  readonly usual: Honest
  readonly found: Honest
}

const refusals = ['STORAGE_TAMPERED', 'ROLLBACK_DETECTED', 'STORAGE_UNAVAILABLE', 'AUDIT_UNAVAILABLE']
const fatal = [...refusals, 'ROOT_KEY_MISMATCH', 'ROOT_KEY_UNAVAILABLE']

/**
 * Whoever did something was told that it was not done, and everything is as it was; or it was done as it is where nobody
 * hides anything. Where the row that was put back is none any more, since what was done has changed it, it is refused, and
 * a verification tells.
 */
function verdictOf(hiding: Hiding, compared: Compared): Outcome {
  const { usual, found } = compared
  const { act } = hiding
  const isRefused = refusals.includes(found.result) || found.result === act.mayRefuseWith
  if (!isRefused && found.result !== usual.result) return effective(`it ended with ${found.result}`)
  const isStale = isNoMore(hiding, compared)
  const other = otherAnswer(compared, { isStale, mayBeAsBefore: isRefused || act.mayDoLess === true })
  if (other !== undefined) return effective(`${found.result}, then ${other}`)
  // Counts inform, and decide nothing: those of a record that was hidden lack it.
  const isWhole = found.oracle === undefined || found.oracle.startsWith('counts of')
  if (!isWhole && !isStale) return effective(`${found.result}, then ${String(found.oracle)}`)
  if (isRefused) return { verdict: 'refused on read', why: found.result }
  return { verdict: 'harmless', why: 'it is done as it is where nobody hides anything' }
}

/** Whether what was done changes the row, so that the one that was put back is none any more. */
function isNoMore({ table, row }: Hiding, { usual, found }: Compared): boolean {
  const isChanged = usual.image.get(table)?.get(nameOf(table, row)) !== JSON.stringify(row)
  return isChanged && found.answers.get('default verify') !== 'ok'
}

/** An answer that is neither what it is where nobody hides anything, nor, where it may be so, what it was before. */
function otherAnswer({ before, usual, found }: Compared, may: Allowed): string | undefined {
  const allowed = may.mayBeAsBefore ? [before, usual] : [usual]
  for (const [question, answer] of found.answers) {
    if (allowed.some(({ answers }) => answers.get(question) === answer)) continue
    if (may.isStale && (fatal.includes(answer) || question.includes('verify'))) continue
    return `${question}: ${answer} and not ${String(usual.answers.get(question))}`
  }
  return undefined
}

interface Allowed {
  readonly isStale: boolean
  readonly mayBeAsBefore: boolean
}

function effective(why: string): Outcome {
  return { verdict: 'EFFECTIVE', why }
}

function byKey(image: Image): Honest['image'] {
  return new Map(
    [...image].map(([table, rows]) => [
      table,
      new Map(rows.map((row) => [nameOf(table, row), JSON.stringify(row)] as const)),
    ]),
  )
}

function nameOf(table: string, row: Row): string {
  const key = tables.find(({ name }) => name === table)?.primaryKey ?? []
  return JSON.stringify(key.map((column) => row[column]))
}
