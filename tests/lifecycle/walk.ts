import { createKms, localRootKey, type Kms } from '@chatelaine/core'
import type { StorageAdapter } from '@chatelaine/core/storage'
import { fakeClock, seededRandomness } from '@chatelaine/core/testing'
import { codeOf } from '../support/outcomes.ts'
import { isAllowed, moves, nameOf, ways, type Machine, type Move, type Op, type Way } from './machine.ts'

const week = 7 * 86_400_000
const refused = 'INVALID_KEY_STATE'

/** A key on a way, and messages of its first two versions: one that nobody could make is forged. */
interface Walker {
  readonly key: string
  readonly machine: Machine
  readonly ahead: readonly Move[]
  readonly messages: Buffer[]
  /** The move to try on it alone, once it is there. */
  readonly last: Move | undefined
}

/**
 * Walks every way on a storage, and tries everything at its end. What it says is what does not hold. A short walk leaves
 * out those legal moves that are on no way.
 */
export async function walkAll(storage: StorageAdapter, { isShort = false } = {}): Promise<Walked> {
  const clock = fakeClock()
  const rootKey = localRootKey(Buffer.from('machine-machine-machine-machine!', 'latin1'))
  const kms = await createKms({ storage, rootKey, clock, timers: clock, random: seededRandomness('machine') })
  const walk = new Walk(kms, isShort)
  try {
    const before = await walk.depart()
    clock.advance(week)
    await walk.wait()
    await walk.arrive(before)
    if (!(await kms.audit.verify()).ok) walk.problems.push('the log does not verify')
    return { problems: walk.problems, cells: walk.cells, moves: walk.moves }
  } finally {
    await kms.close()
  }
}

/** What a walk came to. */
interface Walked {
  readonly problems: readonly string[]
  readonly cells: number
  readonly moves: number
}

class Walk {
  readonly problems: string[] = []
  cells = 0
  moves = 0
  readonly #kms: Kms

  readonly #isShort: boolean

  constructor(kms: Kms, isShort: boolean) {
    this.#kms = kms
    this.#isShort = isShort
  }

  /** Leads every key to where it waits, and tries everything on those that need not. */
  async depart(): Promise<readonly Walker[]> {
    const all = ways()
    const known = new Set(all.map((way) => way.moves.join()))
    const every = all.flatMap((way, index) => walkersOf(way, `way-${index}`, known))
    const walkers = this.#isShort ? every.filter(({ last }) => last === undefined) : every
    const waiting: Walker[] = []
    await each(walkers, async (walker) => {
      await this.#kms.keys.create({ name: walker.key, spec: 'AES_256' })
      walker.messages.push((await this.#kms.encrypt({ key: walker.key, plaintext: 'x' })).ciphertext)
      const wait = walker.ahead.indexOf('wait')
      await this.#go(walker, wait < 0 ? walker.ahead : walker.ahead.slice(0, wait))
      if (wait < 0 && walker.last !== 'wait') await this.#end(walker)
      else waiting.push(walker)
    })
    return waiting
  }

  /** A week has passed: the scheduler does what is due. */
  async wait(): Promise<void> {
    const { failed, more } = await this.#kms.scheduler.runDue({ limit: 100_000 })
    if (failed.length > 0 || more) this.problems.push(`the scheduler failed: ${JSON.stringify(failed)}`)
  }

  /** Leads those that waited to the end of their ways, and tries everything on them. */
  async arrive(waiting: readonly Walker[]): Promise<void> {
    await each(waiting, async (walker) => {
      if (walker.last === 'wait') {
        const machine = moves.wait(walker.machine) as Machine
        return this.#stands({ ...walker, machine }, 'wait')
      }
      await this.#go(walker, walker.ahead.slice(walker.ahead.indexOf('wait') + 1))
      return this.#end(walker)
    })
  }

  async #go(walker: Walker, ahead: readonly Move[]): Promise<void> {
    for (const move of ahead) {
      await this.#expect(walker, move, 'ok')
      const hasNew = move === 'rotate' && walker.messages.length === 1
      if (hasNew) walker.messages.push(await this.#message(walker))
    }
  }

  /** A message of version 2, or one that says it is. */
  async #message({ key, messages }: Walker): Promise<Buffer> {
    const sealed = this.#kms.encrypt({ key, plaintext: 'x' })
    return sealed.then(
      ({ ciphertext }) => ciphertext,
      () => {
        const forged = Buffer.from(messages[0] as Buffer)
        forged.writeUInt32BE(2, 20)
        forgeries.add(forged)
        return forged
      },
    )
  }

  async #end(walker: Walker): Promise<void> {
    await this.#stands(walker, 'the way there')
    if (walker.last !== undefined) {
      await this.#expect(walker, walker.last, 'ok')
      const machine = moves[walker.last](walker.machine) as Machine
      return this.#stands({ ...walker, machine }, walker.last)
    }
    for (const op of opsOn(walker.machine)) await this.#expect(walker, op, this.#verdict(walker, op))
    const illegal = (Object.keys(moves) as Move[]).filter((move) => moves[move](walker.machine) === undefined)
    for (const move of illegal.filter((each) => exists(walker.machine, each))) await this.#expect(walker, move, refused)
    return this.#stands(walker, 'all that is illegal')
  }

  #verdict({ machine, messages }: Walker, op: Exclude<Op, Move>): string {
    if (!isAllowed(machine, op)) return refused
    const isForged = /\d$/.test(op) && forgeries.has(messages[Number(op.at(-1)) - 1] as Buffer)
    return isForged ? 'INVALID_CIPHERTEXT' : 'ok'
  }

  async #expect(walker: Walker, op: Op, expected: string): Promise<void> {
    for (const work of verbs[op](this.#kms, walker)) {
      const found = (await codeOf(work())) ?? 'ok'
      this.cells += 1
      if (expected === 'ok' && Object.hasOwn(moves, op)) this.moves += 1
      if (found !== expected) this.problems.push(`${nameOf(walker.machine)}: ${op} is ${found}, not ${expected}`)
    }
  }

  /** Whether key and versions are told to be what they must be. */
  async #stands({ key, machine }: Walker, after: string): Promise<void> {
    const { state, currentVersion, minDecryptVersion } = await this.#kms.keys.get({ key })
    const { items } = await this.#kms.keys.listVersions({ key })
    const told = [state, currentVersion, minDecryptVersion, ...items.map((version) => version.state)].join(' ')
    const { versions } = machine
    const expected = [machine.state, versions.length, machine.minDecryptVersion, ...versions.map((each) => each.state)]
    if (told !== expected.join(' ')) {
      this.problems.push(`${nameOf(machine)} after ${after}: it is ${told}, not ${expected.join(' ')}`)
    }
  }
}

const forgeries = new WeakSet<Buffer>()

/** One key for all that changes nothing, and one for each legal move that is not a step of another way. */
function walkersOf({ moves: ahead, machine }: Way, name: string, known: ReadonlySet<string>): Walker[] {
  const legal = (Object.keys(moves) as Move[]).filter((move) => {
    const isSecondWait = move === 'wait' && ahead.includes('wait')
    return moves[move](machine) !== undefined && !isSecondWait && !known.has([...ahead, move].join())
  })
  return [undefined, ...legal].map((last) => ({ key: `${name}-${last ?? 'stay'}`, machine, ahead, messages: [], last }))
}

function opsOn({ versions }: Machine): Exclude<Op, Move>[] {
  const ofVersions = versions.flatMap((_, index): Exclude<Op, Move>[] =>
    index === 0 ? ['V1', 'rescue1'] : ['V2', 'rescue2'],
  )
  return ['P', 'M', 'D', ...ofVersions]
}

/** A version that is not there is not found, whatever the state. */
function exists({ versions }: Machine, move: Move): boolean {
  return !move.endsWith('2') || versions.length === 2
}

async function each<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  for (let at = 0; at < items.length; at += 100) await Promise.all(items.slice(at, at + 100).map(work))
}

type Verb = (kms: Kms, walker: Walker) => readonly (() => Promise<unknown>)[]

const reason = 'told so'
const open =
  (version: 1 | 2, rescue: boolean): Verb =>
  (kms, { messages }) => {
    const ciphertext = messages[version - 1] as Buffer
    return [async () => kms.decrypt(rescue ? { ciphertext, allowRevoked: true, reason } : { ciphertext })]
  }
const move =
  (verb: 'disable' | 'enable' | 'revoke', version?: 1 | 2): Verb =>
  (kms, { key }) => [async () => kms.keys[verb]({ key, version, reason })]

let aliases = 0
const verbs: Readonly<Record<Op, Verb>> = {
  P: (kms, { key }) => [
    async () => kms.encrypt({ key, plaintext: 'x' }),
    async () => kms.generateDataKey({ key }),
    async () => kms.generateDataKeyWithoutPlaintext({ key }),
  ],
  V1: open(1, false),
  V2: open(2, false),
  rescue1: open(1, true),
  rescue2: open(2, true),
  M: (kms, { key }) => [
    async () => kms.keys.update({ key, description: 'x' }),
    async () => kms.grants.upsert({ principal: 'p', key, operations: ['encrypt'] }),
    async () => kms.aliases.create({ alias: `alias-${aliases++}`, key }),
  ],
  D: (kms, { key }) => [async () => kms.keys.get({ key }), async () => kms.keys.listVersions({ key })],
  rotate: (kms, { key }) => [async () => kms.keys.rotate({ key })],
  disable: move('disable'),
  enable: move('enable'),
  revoke: move('revoke'),
  schedule: (kms, { key }) => [async () => kms.keys.scheduleDeletion({ key, pendingWindowInDays: 7 })],
  cancel: (kms, { key }) => [async () => kms.keys.cancelDeletion({ key })],
  disable1: move('disable', 1),
  disable2: move('disable', 2),
  enable1: move('enable', 1),
  enable2: move('enable', 2),
  revoke1: move('revoke', 1),
  revoke2: move('revoke', 2),
  raise: (kms, walker) => [
    async () => {
      const { currentVersion } = await kms.keys.get({ key: walker.key })
      return kms.keys.update({ key: walker.key, minDecryptVersion: currentVersion })
    },
  ],
  trim: (kms, { key }) => [async () => kms.keys.trim({ key })],
  wait: () => [],
}
