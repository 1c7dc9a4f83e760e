import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { setTimeout as after } from 'node:timers/promises'
import type { PostgresServer } from '../support/postgres-server.ts'
import type { House } from './house.ts'
import type { Word, WriterPlan } from './plan.ts'

/** What happens in one round. */
export interface Round {
  readonly house: House
  readonly number: number
  readonly writers: number
  readonly callers: number
  readonly folder: string
  readonly random: () => number
  /** The server, where it is what gets killed. */
  readonly server?: PostgresServer | undefined
}

/** How a round went, apart from what the house says. */
export interface RoundReport {
  /** Writers that were killed. */
  readonly killed: number
  /** How long after the server's return each writer succeeded again, in milliseconds. */
  readonly recoveriesMs: readonly number[]
  readonly problems: readonly string[]
}

const deadlineMs = 2000
const openingEvery = 7
/** Nothing takes this long but what hangs. */
const patienceMs = 20_000

interface Writer {
  readonly name: string
  readonly journal: string
  readonly child: ChildProcess
  /** Resolves when it says so; with `false`, when it ends instead. */
  readonly says: (word: Word) => Promise<boolean>
}

/** Starts writers, kills them, and reads what they wrote down. */
export async function runRound(round: Round): Promise<RoundReport> {
  const writers = Array.from({ length: round.writers }, (_, index) => start(round, index))
  const problems: string[] = []
  let recoveriesMs: number[] = []
  // The first of them, which finds an empty database, and some later ones die while they open it.
  const isMidway = round.server !== undefined || round.number % openingEvery !== 0
  if (isMidway) {
    // A machine that has much else to do starts a process late: only from then on its opening is waited for.
    for (const { name, says } of writers) {
      if (!(await says('running'))) problems.push(`${name} did not start`)
      else if (!(await says('open'))) problems.push(`${name} did not open`)
    }
  }
  if (round.server !== undefined && problems.length === 0) recoveriesMs = await crash(round.server, round, writers)
  const killed = await Promise.all(writers.map(async (writer) => kill(writer, round.random() * (isMidway ? 800 : 700))))
  for (const { journal } of writers) round.house.read(journal)
  const lasting = recoveriesMs.filter((ms) => ms > deadlineMs)
  return {
    killed: killed.filter(Boolean).length,
    recoveriesMs,
    problems: [
      ...problems,
      ...lasting.map((ms) => `a writer took ${ms.toFixed(0)} ms to recover`),
      ...writers.filter((_, index) => !killed[index]).map(({ name }) => `${name} ended before it was killed`),
    ],
  }
}

/** Crashes the server under load and brings it back. */
async function crash(server: PostgresServer, { random }: Round, writers: readonly Writer[]): Promise<number[]> {
  await after(random() * 400)
  await server.stop('immediate')
  await after(random() * 600)
  await server.start()
  const backAt = performance.now()
  return Promise.all(
    writers.map(async ({ child, says }) => {
      const recovered = says('recovered')
      child.send('back')
      return (await recovered) ? performance.now() - backAt : Infinity
    }),
  )
}

function start({ house, number, callers, folder, random }: Round, index: number): Writer {
  const name = `r${number}w${index}`
  const journal = path.join(folder, `${name}.journal`)
  const { place, rootKey, grants } = house
  const seed = Math.floor(random() * 2 ** 31)
  const plan: WriterPlan = { place, rootKey, name, callers, seed, deadlineMs, grants, journal }
  const program = path.join(import.meta.dirname, 'writer.ts')
  const flags = ['--disable-warning=CHATELAINE_SQLITE_SHARED', program, JSON.stringify(plan)]
  const child = spawn(process.execPath, flags, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  // A word to one that has just died is lost.
  child.on('error', () => undefined)
  const heard = new Set<unknown>()
  child.on('message', (word) => heard.add(word))
  const says = async (word: Word): Promise<boolean> => {
    const signal = AbortSignal.timeout(patienceMs)
    while (!heard.has(word) && child.exitCode === null && !signal.aborted) {
      await Promise.race([once(child, 'message', { signal }), once(child, 'exit', { signal })]).catch(() => undefined)
    }
    return heard.has(word)
  }
  return { name, journal, child, says }
}

/** Whether there was still somebody to kill. */
async function kill({ child }: Writer, afterMs: number): Promise<boolean> {
  await after(afterMs)
  if (child.exitCode !== null) return false
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  const [, signal] = (await exited) as [number | null, string | null]
  return signal === 'SIGKILL'
}
