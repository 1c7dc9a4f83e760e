/** What a section is given. */
export interface Run {
  /** An empty folder on the disk to measure. It is removed afterwards. */
  readonly folder: string
  /** How often everything is measured. */
  readonly rounds: number
  /** How many operations are measured at once. */
  readonly operations: number
  /** What is random in a section comes from it, and it is printed there. */
  readonly seed: number
}

/** Something measured, and how it stands to something else that was. */
export interface Figure {
  readonly name: string
  /** What was measured, with its unit. */
  readonly measured?: string
  readonly ratio?: Ratio
}

/** A ratio within one run, which depends less on the machine than what was measured. */
export interface Ratio {
  readonly value: number
  /** What it is a ratio of, such as `× seal`. Given as a percentage when it begins with `%`. */
  readonly of: string
  /** Below this a limit is missed. */
  readonly atLeast?: number
  /** Above this a limit is missed. */
  readonly atMost?: number
}

/** What a section came to. */
export interface Report {
  /** What it was measured on. */
  readonly circumstances: readonly string[]
  readonly figures: readonly Figure[]
}

/** Measures one thing about the library against what cannot be avoided. */
export type Section = (run: Run) => Promise<Report>

const micro = 1e6

/** A duration in seconds, as microseconds. */
export const micros = (seconds: number): string => `${(seconds * micro).toFixed(1).padStart(9)} µs`

/** So many a second. */
export const perSecond = (rate: number): string => `${Math.round(rate).toString().padStart(9)} /s`

/** Whether a ratio is within its limits. What is not a number never is. */
export function isKept({ value, atLeast = -Infinity, atMost = Infinity }: Ratio): boolean {
  return value >= atLeast && value <= atMost
}

function textOf({ value, of, atLeast, atMost }: Ratio): string {
  const shown = (number: number): string => (of.startsWith('%') ? (100 * number).toFixed(0) : number.toFixed(2))
  const limits = [
    ...(atLeast === undefined ? [] : [`at least ${shown(atLeast)}`]),
    ...(atMost === undefined ? [] : [`at most ${shown(atMost)}`]),
  ]
  return `${shown(value)} ${of}${limits.length === 0 ? '' : ` (${limits.join(', ')})`}`
}

/** One line of the report, with a mark where a limit is missed. */
export function lineOf({ name, measured = '', ratio }: Figure): string {
  const line = `  ${name.padEnd(38)}${measured.padEnd(14)}${ratio === undefined ? '' : `  ${textOf(ratio)}`}`
  return ratio === undefined || isKept(ratio) ? line.trimEnd() : `${line}   MISSED`
}
