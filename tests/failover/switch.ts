import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createConnection, createServer } from 'node:net'
import type { Server, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { PostgresServer } from '../support/postgres-server.ts'

const socketName = '.s.PGSQL.5432'

/** The one address of a database that moves from server to server, on a Unix socket of its own. */
export class Switch {
  #target: PostgresServer
  readonly #sockets = new Set<Socket>()
  readonly #folder = mkdtempSync(path.join(tmpdir(), 'pg-switch-'))
  readonly #server: Server

  private constructor(target: PostgresServer) {
    this.#target = target
    this.#server = createServer((client) => this.#accept(client))
  }

  /** Starts one that leads to a server. */
  static async start(target: PostgresServer): Promise<Switch> {
    const made = new Switch(target)
    made.#server.listen(path.join(made.#folder, socketName))
    await once(made.#server, 'listening')
    return made
  }

  /** How to reach whatever server it leads to. */
  get url(): string {
    return `postgresql://postgres@/postgres?host=${encodeURIComponent(this.#folder)}`
  }

  /** Leads to another server from now on, and ends what led to the one before. */
  to(target: PostgresServer): void {
    this.#target = target
    for (const socket of this.#sockets) socket.destroy()
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #accept(client: Socket): void {
    const server = createConnection(path.join(this.#target.host, socketName))
    for (const socket of [client, server]) {
      this.#sockets.add(socket)
      socket.on('error', () => undefined).on('close', () => this.#sockets.delete(socket))
    }
    client.pipe(server)
    server.pipe(client)
    client.on('close', () => server.destroy())
    server.on('close', () => client.destroy())
  }
}
