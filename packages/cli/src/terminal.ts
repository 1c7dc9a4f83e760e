/** What a command talks to: the parts of `process` that are used. */
export interface Terminal {
  /** Answers go here. */
  readonly stdout: Sink
  /** Progress and complaints go here. */
  readonly stderr: Sink
  /** What `-` reads. */
  readonly stdin: AsyncIterable<Uint8Array | string>
}

/** Somewhere to write. */
export interface Sink {
  /** Whether a person looks at it. */
  readonly isTTY?: boolean | undefined
  /** Writes a text. */
  write(text: string): unknown
}

/** What a process ends with. */
export const exitCodes = Object.freeze({
  /** Everything is right, or was done. */
  ok: 0,
  /** What was to be verified does not hold. */
  notVerified: 1,
  /** The command was not understood. */
  usage: 2,
  /** Something could not be read or written. */
  io: 3,
})

/** A command that was not understood. */
export class UsageError extends Error {}

const barWidth = 30
/** Least time between two drawings. */
const redrawMs = 100

/** A bar that fills, where somebody looks; nothing where nobody does. */
export class Progress {
  readonly #sink: Sink
  #drawnAt = -Infinity
  #isDrawn = false

  constructor(sink: Sink) {
    this.#sink = sink
  }

  /** Says how far it is. */
  show(done: number, total: number): void {
    const now = performance.now()
    if (this.#sink.isTTY !== true || now - this.#drawnAt < redrawMs) return
    this.#drawnAt = now
    this.#isDrawn = true
    const part = total === 0 ? 1 : done / total
    const bar = '█'.repeat(Math.round(part * barWidth)).padEnd(barWidth, '░')
    const counts = `${done.toLocaleString('en')} of ${total.toLocaleString('en')} records`
    this.#sink.write(`\r${bar} ${Math.floor(part * 100)} %  ${counts}`)
  }

  /** Takes the bar away. */
  end(): void {
    if (this.#isDrawn) this.#sink.write(`\r${' '.repeat(barWidth + 60)}\r`)
    this.#isDrawn = false
  }
}

/** Text from outside, without what a terminal would obey: control characters, and marks that turn its direction. */
export function harmless(text: string): string {
  return text.replaceAll(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (mark) => `\\u{${(mark.codePointAt(0) as number).toString(16)}}`,
  )
}
