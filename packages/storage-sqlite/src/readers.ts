import type { Connection } from './connection.ts'

/** A pool of connections for snapshots: each has one to itself, so that none waits for another's end. */
export class Readers {
  readonly #open: () => Promise<Connection>
  readonly #idle: Connection[] = []
  readonly #waiting: (() => void)[] = []
  #lent = 0

  /** Connections that are kept while nobody uses them. */
  static readonly maxIdle = 4
  /** Connections that there are at most. Snapshots beyond that wait. */
  static readonly max = 64

  constructor(open: () => Promise<Connection>) {
    this.#open = open
  }

  /** Lends a connection to `use`. */
  async lend<T>(use: (connection: Connection) => Promise<T>): Promise<T> {
    if (this.#lent >= Readers.max) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    else this.#lent++
    let connection: Connection | undefined
    try {
      connection = this.#idle.pop() ?? (await this.#open())
      return await use(connection)
    } finally {
      this.#takeBack(connection)
    }
  }

  /** Closes the connections that nobody uses. */
  close(): void {
    for (const connection of this.#idle.splice(0)) connection.close()
  }

  #takeBack(connection: Connection | undefined): void {
    if (connection?.rollback() === true && connection.isSound && this.#idle.length < Readers.maxIdle) {
      this.#idle.push(connection)
    } else {
      connection?.close()
    }
    const next = this.#waiting.shift()
    if (next === undefined) this.#lent--
    else next()
  }
}
