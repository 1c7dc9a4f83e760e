import { createKms, localRootKey, type Kms } from '@chatelaine/core'
import type { StorageAdapter } from '@chatelaine/core/storage'
import { fakeClock, seededRandomness, type FakeClock } from '@chatelaine/core/testing'
import { codeOf } from '../support/outcomes.ts'
import {
  importedMoves,
  importedWays,
  nameOfImported,
  verdictOf,
  type ImportedMachine,
  type ImportedMove,
  type ImportedOp,
  type ImportedWay,
} from './imported-machine.ts'
import { importedVerbs, materialOf, ticketFor, type Ticket } from './imported-verbs.ts'

const day = 86_400_000
const week = 7 * day
const illegal = 'INVALID_KEY_STATE'
const names = Object.keys(importedMoves) as ImportedMove[]

/** What a walk came to. */
interface Walked {
  readonly problems: readonly string[]
  /** How many machines there are. */
  readonly machines: number
  readonly cells: number
}

/** A way, and the move that is tried at its end: without one, everything is that changes nothing. */
interface Plan {
  readonly way: ImportedWay
  readonly last: ImportedMove | undefined
}

/** A key on a way. */
interface Walker extends Plan {
  readonly key: string
  /** What an import takes: made while the key takes imports, and good for a day. */
  readonly ticket: Ticket | undefined
  /** A message of the key, or one that says it is. */
  message: Buffer
  isForged: boolean
}

/**
 * Walks every way on a storage, and tries everything at its end. What it says is what does not hold. A short walk leaves
 * out those legal moves that are on no way.
 */
export async function walkImported(storage: StorageAdapter, { isShort = false } = {}): Promise<Walked> {
  const clock = fakeClock()
  const rootKey = localRootKey(Buffer.from('machine-machine-machine-machine!', 'latin1'))
  const kms = await createKms({ storage, rootKey, clock, timers: clock, random: seededRandomness('imported') })
  const walk = new Walk(kms, clock)
  try {
    const ways = importedWays()
    const plans = plansOf(ways)
    const waiting = await walk.depart(isShort ? plans.filter(({ last }) => last === undefined) : plans)
    clock.advance(week)
    const { failed } = await kms.scheduler.runDue({ limit: 100_000 })
    if (failed.length > 0) walk.problems.push(`the scheduler failed: ${JSON.stringify(failed)}`)
    await each(waiting, async (walker) => walk.arrive(walker))
    if (!(await kms.audit.verify()).ok) walk.problems.push('the log does not verify')
    return { problems: walk.problems, machines: ways.length, cells: walk.cells }
  } finally {
    await kms.close()
  }
}

class Walk {
  readonly problems: string[] = []
  cells = 0
  readonly #kms: Kms
  readonly #clock: FakeClock
  /** States in which some key has a ticket from before. */
  readonly #ticketed = new Set<string>()

  constructor(kms: Kms, clock: FakeClock) {
    this.#kms = kms
    this.#clock = clock
  }

  /** Leads every key to where it waits, and tries everything on those that need not. */
  async depart(plans: readonly Plan[]): Promise<readonly Walker[]> {
    const waiting: Walker[] = []
    await each(plans, async (plan, index) => {
      const { way, last } = plan
      const walker = await this.#made(`way-${index}`, plan)
      const wait = [...way.moves, last].indexOf('wait')
      for (const move of wait < 0 ? way.moves : way.moves.slice(0, wait)) await this.#expect(walker, move, 'ok')
      if (wait < 0) await this.#end(walker)
      else waiting.push(walker)
    })
    return waiting
  }

  /** A week has passed: leads a key that waited to the end of its way, and tries everything on it. */
  async arrive(walker: Walker): Promise<void> {
    const { way, last } = walker
    if (last === 'wait') return this.#stands(walker, importedMoves.wait(way.machine) as ImportedMachine)
    for (const move of way.moves.slice(way.moves.indexOf('wait') + 1)) await this.#expect(walker, move, 'ok')
    return this.#end(walker)
  }

  async #made(key: string, { way, last }: Plan): Promise<Walker> {
    const isBrought = way.begin.state === 'Enabled'
    const material = isBrought ? ({ format: 'raw', bytes: materialOf(key) } as const) : undefined
    await this.#kms.keys.create({ name: key, spec: 'AES_256', origin: 'EXTERNAL', exportable: true, material })
    // One of each state tries what it must not import with a ticket from before.
    const isFirst = last === undefined && !this.#ticketed.has(way.machine.state)
    this.#ticketed.add(way.machine.state)
    const isImported = [...way.moves, last].some((move) => move?.startsWith('import'))
    const ticket = isFirst || isImported ? await ticketFor(this.#kms, key) : undefined
    const walker: Walker = { key, way, last, ticket, message: Buffer.alloc(0), isForged: !isBrought }
    const { id } = await this.#kms.keys.get({ key })
    const sealed = isBrought ? (await this.#kms.encrypt({ key, plaintext: 'x' })).ciphertext : Buffer.alloc(96)
    if (!isBrought) sealed.set(Buffer.from(`434d3101${String(id).replaceAll('-', '')}00000001`, 'hex'))
    return Object.assign(walker, { message: sealed })
  }

  async #end(walker: Walker): Promise<void> {
    const { way, last } = walker
    await this.#stands(walker, way.machine)
    if (last !== undefined) {
      await this.#expect(walker, last, 'ok')
      return this.#stands(walker, importedMoves[last](way.machine) as ImportedMachine)
    }
    for (const op of ['P', 'V', 'rescue', 'importOther', 'parameters', 'export', 'M', 'trim', 'D'] as const) {
      // What may be imported for the first time would be.
      if (op === 'importOther' && way.machine.material === 'never' && verdictOf(way.machine, op) === 'ok') continue
      await this.#expect(walker, op, this.#verdict(walker, op))
    }
    for (const move of names.filter((each) => importedMoves[each](way.machine) === undefined)) {
      await this.#expect(walker, move, illegal)
    }
    await this.#stands(walker, way.machine)
    await this.#expect(walker, 'rotate', verdictOf(way.machine, 'rotate'))
  }

  #verdict({ way, isForged }: Walker, op: ImportedOp): string {
    const verdict = verdictOf(way.machine, op)
    return verdict === 'ok' && isForged && (op === 'V' || op === 'rescue') ? 'INVALID_CIPHERTEXT' : verdict
  }

  async #expect(walker: Walker, what: ImportedMove | ImportedOp, expected: string): Promise<void> {
    for (const work of importedVerbs[what]({ ...walker, kms: this.#kms, now: this.#clock.now() })) {
      const found = (await codeOf(work())) ?? 'ok'
      this.cells += 1
      if (found !== expected) {
        this.problems.push(`${nameOfImported(walker.way.machine)}: ${what} is ${found}, not ${expected}`)
      }
    }
  }

  /** Whether key and version are told to be what they must be. */
  async #stands({ key, way, last }: Walker, machine: ImportedMachine): Promise<void> {
    const { state } = await this.#kms.keys.get({ key })
    const { items } = await this.#kms.keys.listVersions({ key })
    const told = [state, ...items.map((each) => each.state)].join(' ')
    if (told === `${machine.state} ${machine.version}`) return
    this.problems.push(
      `${nameOfImported(way.machine)}, ${last ?? 'there'}: it is ${told}, not ${nameOfImported(machine)}`,
    )
  }
}

/** One key for all that changes nothing, and one for each legal move that is not a step of another way. */
function plansOf(ways: readonly ImportedWay[]): Plan[] {
  const nameOf = ({ begin }: ImportedWay, moves: readonly ImportedMove[]): string => [begin.state, ...moves].join()
  const known = new Set(ways.map((way) => nameOf(way, way.moves)))
  return ways.flatMap((way) => {
    const legal = names.filter((move) => {
      const isSecondWait = move === 'wait' && way.moves.includes('wait')
      const isStep = known.has(nameOf(way, [...way.moves, move]))
      return importedMoves[move](way.machine) !== undefined && !isSecondWait && !isStep
    })
    return [undefined, ...legal].map((last) => ({ way, last }))
  })
}

async function each<T>(items: readonly T[], work: (item: T, index: number) => Promise<void>): Promise<void> {
  for (let at = 0; at < items.length; at += 32) {
    await Promise.all(items.slice(at, at + 32).map(async (item, index) => work(item, at + index)))
  }
}
