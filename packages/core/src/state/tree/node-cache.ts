import { limits } from '../../internal/defaults.ts'
import { Lru } from '../../internal/lru.ts'

/**
 * Contents of nodes by their hashes. A content is true whatever else changes, so that nothing in here is ever stale, and
 * the tenants of a house share it.
 */
export class NodeCache {
  readonly #contents = new Lru<string, Buffer>(limits.cachedTreeNodes)

  /** The content with this hash. */
  get(hash: Buffer): Buffer | undefined {
    return this.#contents.get(hash.toString('latin1'))
  }

  /** Keeps a content whose hash was checked. */
  put(hash: Buffer, content: Buffer): void {
    this.#contents.set(hash.toString('latin1'), content)
  }
}
