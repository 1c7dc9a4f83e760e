/**
 * The states of a key, typed out a second time: what each allows, and where each operation leads. Nothing in here comes
 * from the library. P protects, V processes, R rotates, M is managed; D is always.
 */

/** States of a key. */
export type State = 'Enabled' | 'Disabled' | 'PendingDeletion' | 'Revoked' | 'Destroyed'
/** States of a version. */
export type VersionState = 'current' | 'retired' | 'disabled' | 'revoked' | 'destroyed'

/** A version, as far as it matters. */
export interface Version {
  readonly state: VersionState
  /** What a disabled one comes back as. */
  readonly was: 'current' | 'retired' | undefined
  /** Whether it has been so for a week. */
  readonly isOld: boolean
}

/** A key, as far as it matters. */
export interface Machine {
  readonly state: State
  /** The state before the deletion was scheduled. */
  readonly was: State
  readonly versions: readonly Version[]
  readonly minDecryptVersion: number
}

/** What may be done to a key. `wait` lets a week pass, and the scheduler run. */
export type Op = 'P' | `V${1 | 2}` | `rescue${1 | 2}` | 'M' | 'D' | Move
/** What may change its state. */
export type Move =
  | 'rotate'
  | 'disable'
  | 'enable'
  | 'revoke'
  | 'schedule'
  | 'cancel'
  | `${'disable' | 'enable' | 'revoke'}${1 | 2}`
  | 'raise'
  | 'trim'
  | 'wait'

/** The columns of the table. */
const allows: Readonly<Record<State, string>> = {
  Enabled: 'PVRMD',
  Disabled: 'MD',
  PendingDeletion: 'D',
  Revoked: 'D',
  Destroyed: 'D',
}

const newest: Version = { state: 'current', was: undefined, isOld: false }

/** A key as it is made. */
export const made: Machine = { state: 'Enabled', was: 'Enabled', versions: [newest], minDecryptVersion: 1 }

const isLast = ({ versions }: Machine, number: number): boolean => number === versions.length
const at = ({ versions }: Machine, number: number): Version | undefined => versions[number - 1]
const only = (machine: Machine, from: readonly State[], to: State): Machine | undefined =>
  from.includes(machine.state) ? { ...machine, state: to } : undefined

function put(machine: Machine, number: number, version: Version): Machine {
  return { ...machine, versions: machine.versions.map((each, index) => (index === number - 1 ? version : each)) }
}

function rotated(machine: Machine): Machine | undefined {
  const number = machine.versions.length
  const last = at(machine, number) as Version
  const isLost = last.state === 'disabled' || last.state === 'revoked'
  if (machine.state !== 'Enabled' && !(machine.state === 'Disabled' && isLost)) return undefined
  const gone: Version = last.state === 'current' ? { state: 'retired', was: undefined, isOld: false } : last
  const left = put(machine, number, last.state === 'disabled' ? { ...gone, was: 'retired' } : gone)
  return { ...left, versions: [...left.versions, newest] }
}

function stopped(machine: Machine, number: number, state: 'disabled' | 'revoked'): Machine | undefined {
  const version = at(machine, number)
  if (machine.state !== 'Enabled' && machine.state !== 'Disabled') return undefined
  if (version === undefined || (version.state !== 'current' && version.state !== 'retired')) return undefined
  const was = state === 'disabled' ? version.state : undefined
  const next = put(machine, number, { state, was, isOld: false })
  return isLast(machine, number) ? { ...next, state: 'Disabled' } : next
}

function resumed(machine: Machine, number: number): Machine | undefined {
  const version = at(machine, number)
  if (machine.state !== 'Enabled' && machine.state !== 'Disabled') return undefined
  if (version?.state !== 'disabled') return undefined
  return put(machine, number, { state: version.was ?? 'retired', was: undefined, isOld: false })
}

function trimmed(machine: Machine): Machine | undefined {
  if (!allows[machine.state].includes('M')) return undefined
  const versions = machine.versions.map((version, index): Version => {
    const isBelow = index + 1 < machine.minDecryptVersion && index + 1 < machine.versions.length
    const mayGo = version.state === 'retired' || version.state === 'revoked'
    return isBelow && mayGo && version.isOld ? { state: 'destroyed', was: undefined, isOld: false } : version
  })
  return { ...machine, versions }
}

function waited(machine: Machine): Machine {
  const versions = machine.versions.map((version): Version => ({ ...version, isOld: true }))
  if (machine.state !== 'PendingDeletion') return { ...machine, versions }
  const destroyed: Version = { state: 'destroyed', was: undefined, isOld: false }
  return { ...machine, state: 'Destroyed', versions: versions.map(() => destroyed) }
}

/** Where each move leads; `undefined` where it is illegal. */
export const moves: Readonly<Record<Move, (machine: Machine) => Machine | undefined>> = {
  rotate: rotated,
  disable: (machine) => only(machine, ['Enabled'], 'Disabled'),
  enable: (machine) =>
    at(machine, machine.versions.length)?.state === 'current' ? only(machine, ['Disabled'], 'Enabled') : undefined,
  revoke: (machine) => only(machine, ['Enabled', 'Disabled'], 'Revoked'),
  schedule: (machine) => {
    const moved = only(machine, ['Enabled', 'Disabled', 'Revoked'], 'PendingDeletion')
    return moved === undefined ? undefined : { ...moved, was: machine.state }
  },
  cancel: (machine) => only(machine, ['PendingDeletion'], machine.was === 'Revoked' ? 'Revoked' : 'Disabled'),
  disable1: (machine) => stopped(machine, 1, 'disabled'),
  disable2: (machine) => stopped(machine, 2, 'disabled'),
  enable1: (machine) => resumed(machine, 1),
  enable2: (machine) => resumed(machine, 2),
  revoke1: (machine) => stopped(machine, 1, 'revoked'),
  revoke2: (machine) => stopped(machine, 2, 'revoked'),
  raise: (machine) =>
    allows[machine.state].includes('M') ? { ...machine, minDecryptVersion: machine.versions.length } : undefined,
  trim: trimmed,
  wait: waited,
}

/** Whether something that moves nothing is allowed. */
export function isAllowed(machine: Machine, op: Exclude<Op, Move>): boolean {
  if (op === 'D' || op === 'P' || op === 'M') return allows[machine.state].includes(op)
  const number = Number(op.at(-1))
  const version = at(machine, number) as Version
  const isHeld = version.state === 'current' || version.state === 'retired'
  const opens = allows[machine.state].includes('V') && isHeld && number >= machine.minDecryptVersion
  return opens || (op.startsWith('rescue') && isRescued(machine, version, isHeld))
}

/** Whether an admin gets data away from it: something of it was revoked, and nothing else stands in the way. */
function isRescued({ state }: Machine, version: Version, isHeld: boolean): boolean {
  if (version.state === 'revoked') return state === 'Enabled' || state === 'Disabled' || state === 'Revoked'
  return state === 'Revoked' && isHeld
}

/** What of a machine tells it apart from others: what comes of operations depends on this alone. */
export function nameOf({ state, was, versions, minDecryptVersion }: Machine): string {
  const from = state === 'PendingDeletion' ? ` (${was === 'Revoked' ? was : 'Disabled'})` : ''
  // How long a version has been so matters to `trim` alone, which destroys only what came before the current one.
  const isTrimmed = ({ state: of }: Version, index: number): boolean =>
    index + 1 < versions.length && (of === 'retired' || of === 'revoked')
  const each = versions.map(
    (version, index) => `${version.state}${version.was ?? ''}${version.isOld && isTrimmed(version, index) ? '!' : ''}`,
  )
  return `${state}${from} ${each.join(',')} from ${minDecryptVersion}`
}

/** A way to a machine: the moves, of which at most one is `wait`. */
export interface Way {
  readonly moves: readonly Move[]
  readonly machine: Machine
}

/** A way to every machine that there is with at most two versions. */
export function ways(): readonly Way[] {
  const found = new Map<string, Way>([[nameOf(made), { moves: [], machine: made }]])
  for (const way of found.values()) {
    for (const [move, lead] of Object.entries(moves)) {
      const machine = lead(way.machine)
      if (machine === undefined || machine.versions.length > 2) continue
      if (move === 'wait' && way.moves.includes('wait')) continue
      const name = nameOf(machine)
      if (!found.has(name)) found.set(name, { moves: [...way.moves, move as Move], machine })
    }
  }
  return [...found.values()]
}
