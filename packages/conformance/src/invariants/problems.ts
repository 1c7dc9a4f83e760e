/** Thrown to end a check that has found enough. */
export class EnoughProblems extends Error {}

/** Gathers what is wrong, in words, up to a bound. */
export class Problems {
  /** What was found. */
  readonly found: string[] = []
  readonly #most: number

  constructor(most: number) {
    this.#most = most
  }

  /** Notes a problem. @throws EnoughProblems when there are as many as anybody wants to read. */
  add(problem: string): void {
    this.found.push(problem)
    if (this.found.length < this.#most) return
    this.found.push(`There may be more: this is where it stopped, after ${this.#most}.`)
    throw new EnoughProblems()
  }

  /** Notes that something is not what it should be. */
  expect(where: string, found: unknown, expected: unknown): void {
    if (found !== expected) this.add(`${where} is ${shown(found)}, and should be ${shown(expected)}.`)
  }
}

function shown(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value))
  return text.length > 120 ? `${text.slice(0, 120)}…` : text
}
