/**
 * The states of a key whose material is brought, typed out a second time: what each allows, and where each operation
 * leads. Nothing in here comes from the library. The states that it shares with other keys are those of `machine.ts`;
 * what is more is that material comes, ends and goes.
 */

/** States of such a key. */
export type ImportedState = 'Enabled' | 'Disabled' | 'PendingImport' | 'PendingDeletion' | 'Revoked' | 'Destroyed'

/** What there is of its material: `ending` has an end that is to come, `over` has come to it, `gone` was deleted. */
type Material = 'never' | 'there' | 'ending' | 'over' | 'gone'

/** Such a key with its one version, as far as it matters. */
export interface ImportedMachine {
  readonly state: ImportedState
  /** The state before the deletion was scheduled. */
  readonly was: ImportedState
  readonly version: 'current' | 'disabled' | 'revoked' | 'destroyed'
  readonly material: Material
}

/** What may change it. `wait` lets a week pass, in which material ends and deletions fall due. */
export type ImportedMove =
  | 'import'
  | 'importEnding'
  | 'deleteMaterial'
  | 'disable'
  | 'enable'
  | 'revoke'
  | 'schedule'
  | 'cancel'
  | 'disable1'
  | 'enable1'
  | 'revoke1'
  | 'wait'

/** What changes nothing that is looked at: `rotate` makes a second version, which no way has. */
export type ImportedOp = 'P' | 'V' | 'rescue' | 'rotate' | 'importOther' | 'parameters' | 'export' | 'M' | 'trim' | 'D'

/** The columns of the table. I takes material. */
const allows: Readonly<Record<ImportedState, string>> = {
  Enabled: 'PVRMDI',
  Disabled: 'MD',
  PendingImport: 'MDI',
  PendingDeletion: 'D',
  Revoked: 'D',
  Destroyed: 'D',
}

/** A key as it is made: with its material, or without. */
export const brought: ImportedMachine = { state: 'Enabled', was: 'Enabled', version: 'current', material: 'there' }
export const awaited: ImportedMachine = { ...brought, state: 'PendingImport', material: 'never' }

type Lead = (machine: ImportedMachine) => ImportedMachine | undefined

const from =
  (states: readonly ImportedState[], lead: Lead): Lead =>
  (machine) =>
    states.includes(machine.state) ? lead(machine) : undefined
const to =
  (state: ImportedState): Lead =>
  (machine) => ({ ...machine, state })

const bring =
  (material: Material): Lead =>
  (machine) =>
    allows[machine.state].includes('I') ? { ...machine, state: 'Enabled', material } : undefined

const taken: Lead = (machine) => {
  if (!allows[machine.state].includes('I')) return undefined
  return { ...machine, state: 'PendingImport', material: machine.material === 'never' ? 'never' : 'gone' }
}

/** A key whose material is over is enabled, and waits for it. */
const resumed: Lead = (machine) => {
  if (machine.version !== 'current') return undefined
  return { ...machine, state: machine.material === 'over' ? 'PendingImport' : 'Enabled' }
}

const stopped =
  (version: 'disabled' | 'revoked'): Lead =>
  (machine) =>
    machine.version === 'current' ? { ...machine, version, state: 'Disabled' } : undefined

/** Called off, a deletion leads to where it came from, but never to a key that works. */
const calledOff: Lead = (machine) => {
  const { was } = machine
  return { ...machine, state: was === 'Revoked' || was === 'PendingImport' ? was : 'Disabled' }
}

const waited: Lead = (machine) => {
  if (machine.state === 'PendingDeletion') return { ...machine, state: 'Destroyed', version: 'destroyed' }
  if (machine.material !== 'ending') return machine
  return { ...machine, material: 'over', state: machine.state === 'Enabled' ? 'PendingImport' : machine.state }
}

/** Where each move leads; `undefined` where it is illegal. */
export const importedMoves: Readonly<Record<ImportedMove, Lead>> = {
  import: bring('there'),
  importEnding: bring('ending'),
  deleteMaterial: taken,
  disable: from(['Enabled'], to('Disabled')),
  enable: from(['Disabled'], resumed),
  revoke: from(['Enabled', 'Disabled'], to('Revoked')),
  schedule: from(['Enabled', 'Disabled', 'PendingImport', 'Revoked'], (machine) => ({
    ...machine,
    was: machine.state,
    state: 'PendingDeletion',
  })),
  cancel: from(['PendingDeletion'], calledOff),
  disable1: from(['Enabled', 'Disabled'], stopped('disabled')),
  enable1: from(['Enabled', 'Disabled'], (machine) =>
    machine.version === 'disabled' ? { ...machine, version: 'current' } : undefined,
  ),
  revoke1: from(['Enabled', 'Disabled'], stopped('revoked')),
  wait: waited,
}

/** The column of the table that each operation needs. */
const columnOf: Readonly<Record<ImportedOp, string>> = {
  P: 'P',
  V: 'V',
  rescue: 'V',
  export: 'V',
  rotate: 'R',
  importOther: 'I',
  parameters: 'I',
  M: 'M',
  trim: 'M',
  D: 'D',
}

/** What comes of something that moves nothing: `ok`, or a code. */
export function verdictOf(machine: ImportedMachine, op: ImportedOp): string {
  const isAllowed = allows[machine.state].includes(columnOf[op]) || isExcepted(machine, op)
  if (!isAllowed) return 'INVALID_KEY_STATE'
  // A version takes no other material than its first.
  return op === 'importOther' && machine.material !== 'never' ? 'CONFLICT' : 'ok'
}

/** A key that is disabled because its version is lost is rotated; an admin gets data away from what was revoked. */
function isExcepted({ state, version, material }: ImportedMachine, op: ImportedOp): boolean {
  if (op === 'rotate') return state === 'Disabled' && version !== 'current'
  if (op !== 'rescue' || (material !== 'there' && material !== 'ending')) return false
  return state === 'Revoked' ? version !== 'disabled' : state === 'Disabled' && version === 'revoked'
}

/**
 * What of a machine tells it apart from others: what comes of operations depends on this alone. While its deletion is
 * pending nothing does, but on where it came from.
 */
export function nameOfImported({ state, was, version, material }: ImportedMachine): string {
  if (state === 'PendingDeletion') return `${state} (${was === 'Enabled' ? 'Disabled' : was})`
  return state === 'Destroyed' ? state : `${state} ${version} ${material}`
}

/** A way to a machine: how it begins, and the moves, of which at most one is `wait`. */
export interface ImportedWay {
  readonly begin: ImportedMachine
  readonly moves: readonly ImportedMove[]
  readonly machine: ImportedMachine
}

/** A shortest way to every machine that there is. */
export function importedWays(): readonly ImportedWay[] {
  const begun = [brought, awaited].map((machine) => ({ begin: machine, moves: [], machine }))
  const found = new Map<string, ImportedWay>(begun.map((way) => [nameOfImported(way.machine), way]))
  for (const way of found.values()) {
    for (const [move, lead] of Object.entries(importedMoves)) {
      const machine = lead(way.machine)
      if (machine === undefined || (move === 'wait' && way.moves.includes('wait'))) continue
      const name = nameOfImported(machine)
      if (!found.has(name)) found.set(name, { ...way, moves: [...way.moves, move as ImportedMove], machine })
    }
  }
  return [...found.values()]
}
