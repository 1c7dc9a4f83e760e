/** Hands items from one side to another, one at a time: who gives waits until the last was asked past. */
export class Handoff<T> {
  #item: { readonly is: T } | undefined
  #wake: PromiseWithResolvers<void> = Promise.withResolvers()
  #taken: PromiseWithResolvers<void> = Promise.withResolvers()
  #end: { readonly error?: unknown } | undefined
  #isLeft = false

  /** Gives an item. @throws Error when nobody takes any more. */
  async give(item: T): Promise<void> {
    if (this.#isLeft) throw new Error('nobody takes any more')
    this.#item = { is: item }
    this.#wake.resolve()
    await this.#taken.promise
    if (this.#isLeft) throw new Error('nobody takes any more')
  }

  /** There is no more, or something went wrong. */
  end(error?: unknown): void {
    this.#end = error === undefined ? {} : { error }
    this.#wake.resolve()
  }

  /** Nobody takes any more. */
  leave(): void {
    this.#isLeft = true
    this.#taken.resolve()
  }

  /** Takes all items. @throws what went wrong. */
  async *all(): AsyncGenerator<T> {
    for (;;) {
      await this.#wake.promise
      const item = this.#item
      if (item === undefined) break
      this.#item = undefined
      if (this.#end === undefined) this.#wake = Promise.withResolvers()
      yield item.is
      const taken = this.#taken
      this.#taken = Promise.withResolvers()
      taken.resolve()
    }
    if (this.#end !== undefined && Object.hasOwn(this.#end, 'error')) throw this.#end.error
  }
}
