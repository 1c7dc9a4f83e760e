import type { StorageReader } from '../../storage/adapter.ts'
import type { Alarm } from './alarm.ts'
import { AuthenticReader } from './authentic-reader.ts'
import type { NodeCache } from './node-cache.ts'
import { StateTree } from './state-tree.ts'

/** Opens the tree of a tenant, as it was at some head. */
export class Trees {
  /** Hears of what does not verify. */
  readonly alarm: Alarm
  readonly #tenant: string
  readonly #nodes: NodeCache

  constructor(tenant: string, nodes: NodeCache, alarm: Alarm) {
    this.#tenant = tenant
    this.#nodes = nodes
    this.alarm = alarm
  }

  /** The tree with this root, to be read by `reader`: the snapshot, or the transaction, that showed the root's head. */
  at(reader: Pick<StorageReader, 'get'>, root: Buffer): StateTree {
    return new StateTree({ reader, tenant: this.#tenant, root, nodes: this.#nodes, alarm: this.alarm })
  }

  /** What believes of the state only what the tree with this root says. */
  reader(reader: StorageReader, root: Buffer): AuthenticReader {
    return new AuthenticReader(reader, this.at(reader, root))
  }
}
