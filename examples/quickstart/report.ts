/** Prints what happens, one step after the other, with the time that each took. */
export class Report {
  #count = 0

  /** Prints a line as it is. */
  line(text = ''): void {
    console.log(text)
  }

  /** Does a step and prints what it says, the time it took before the first line. */
  async step<T>(title: string, work: (say: (text: string) => void) => Promise<T>): Promise<T> {
    const lines: string[] = []
    const startedAt = performance.now()
    const result = await work((text) => lines.push(text))
    const took = `${(performance.now() - startedAt).toFixed(1)} ms`.padStart(9)
    this.#count += 1
    const start = `${String(this.#count).padStart(2)}  ${title.padEnd(10)}${took}  `
    lines.forEach((text, at) => this.line((at === 0 ? start : ' '.repeat(start.length)) + text))
    return result
  }
}

/** What must be so. @throws Error */
export function expect(fact: boolean, claim: string): asserts fact {
  if (!fact) throw new Error(`this is not as it should be: ${claim}`)
}

/** The beginning of a long text. */
export function short(text: string, length = 20): string {
  return text.length <= length ? text : `${text.slice(0, length)}... (${text.length} characters)`
}
