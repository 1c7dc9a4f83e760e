import type { Page } from '../runtime.ts'

/**
 * A list: awaiting it gives its first page, `for await` gives all of it, page by page. It is read when one of them
 * begins, and recorded once.
 *
 * @example
 * ```ts
 * import type { Kms } from '@chatelaine/core'
 *
 * const namesOf = async (kms: Kms): Promise<unknown[]> => {
 *   const names = []
 *   for await (const key of kms.keys.list()) names.push(key.name)
 *   return names
 * }
 * ```
 */
export class Listing<T> implements PromiseLike<Page<T>>, AsyncIterable<T> {
  readonly #first: () => Promise<Page<T>>
  readonly #next: (cursor: string) => Promise<Page<T>>

  constructor(first: () => Promise<Page<T>>, next: (cursor: string) => Promise<Page<T>>) {
    this.#first = first
    this.#next = next
  }

  /** The first page. */
  // oxlint-disable-next-line unicorn/no-thenable -- awaiting a list is part of its contract
  then<A = Page<T>, B = never>(
    onPage?: ((page: Page<T>) => A | PromiseLike<A>) | null,
    onError?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#first().then(onPage, onError)
  }

  /** Every item. */
  async *[Symbol.asyncIterator](): AsyncIterator<T> {
    let page = await this.#first()
    for (;;) {
      yield* page.items
      if (page.cursor === undefined) return
      page = await this.#next(page.cursor)
    }
  }
}
