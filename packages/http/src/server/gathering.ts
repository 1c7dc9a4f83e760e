// Fake timers of somebody's test do not stop a server.
const { setImmediate: immediately } = globalThis

/** After so long no further turn is waited for: it is long by what others do, such as a stream, or the host. */
const longestMs = 5

/**
 * Where requests that come at about the same time wait for each other, so that they take their next step in a row. What
 * such a step runs and looks at is near the processor then, which it is not where each request takes all its steps alone.
 */
export class Gathering {
  readonly #turns: number
  #end: Promise<void> | undefined

  /** @param turns - of the event loop, from the first request on */
  constructor(turns: number) {
    this.#turns = turns
  }

  /** Resolves for everybody who waits, in the order in which they came. */
  wait(): Promise<void> {
    return (this.#end ??= this.#gather())
  }

  async #gather(): Promise<void> {
    const end = performance.now() + longestMs
    let turns = 0
    // One in any case: whoever comes first has to find this wait under way before it ends.
    do {
      await new Promise<void>((resolve) => void immediately(resolve))
      turns += 1
    } while (turns < this.#turns && performance.now() < end)
    this.#end = undefined
  }
}
