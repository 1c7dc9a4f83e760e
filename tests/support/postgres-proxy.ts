import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createConnection, createServer } from 'node:net'
import type { Server, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { onTestFinished } from 'vitest'
import { serverUrl } from './postgres-schema.ts'

/**
 * What happens to a COMMIT on its way:
 *
 * - `lost`: it never reaches the server; both sides see the connection end.
 * - `applied`: the server commits, and the client sees the connection end instead of the answer.
 * - `in-flight`: the client sees the connection end; the server gets the COMMIT a while later.
 * - `silent`: the server commits, and the client hears nothing, nor that the connection has ended.
 */
export type Mishap = 'lost' | 'applied' | 'in-flight' | 'silent'

/** How long a COMMIT is in flight. */
const flightMs = 150
const socketName = '.s.PGSQL.5432'
const commit = Buffer.from('commit\0')

/** Stands between clients and the server, on a Unix socket of its own. */
export class PostgresProxy {
  /** Commits that a mishap happened to. */
  mishaps = 0
  /** Commits that passed. */
  commits = 0
  #next: Mishap | undefined
  #isDown = false
  readonly #sockets = new Set<Socket>()
  readonly #folder = mkdtempSync(path.join(tmpdir(), 'pg-proxy-'))
  readonly #upstream: string
  readonly #server: Server

  private constructor(url: string) {
    this.#upstream = path.join(new URL(url.replace('@/', '@localhost/')).searchParams.get('host') ?? '', socketName)
    this.#server = createServer((client) => this.#accept(client))
  }

  /** Starts one before the server, which ends with the test. `undefined` where the server has no Unix socket. */
  static async start(url: string = serverUrl()): Promise<PostgresProxy | undefined> {
    if (!url.includes('host=%2F')) return undefined
    const proxy = new PostgresProxy(url)
    proxy.#server.listen(path.join(proxy.#folder, socketName))
    await once(proxy.#server, 'listening')
    onTestFinished(() => proxy.close())
    return proxy
  }

  /** How to reach the server through it. */
  get url(): string {
    return `postgresql://postgres@/postgres?host=${encodeURIComponent(this.#folder)}`
  }

  /** Lets something happen to the next COMMIT. */
  arm(mishap: Mishap): void {
    this.#next = mishap
  }

  /** Swallows everything from now on, without ending anything. */
  goSilent(): void {
    this.#isDown = true
  }

  /** Ends what was silent, and lets new connections through. */
  comeBack(): void {
    this.#isDown = false
    for (const socket of this.#sockets) socket.destroy()
  }

  /** Ends everything. */
  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #accept(client: Socket): void {
    const server = createConnection(this.#upstream)
    for (const socket of [client, server]) {
      this.#sockets.add(socket)
      socket.on('error', () => undefined).on('close', () => this.#sockets.delete(socket))
    }
    const state = { isDeaf: false }
    client.on('data', (data) => this.#toServer(data, { client, server, state }))
    server.on('data', (data) => {
      if (!state.isDeaf && !this.#isDown) client.write(data)
    })
    client.on('close', () => {
      if (!state.isDeaf) server.destroy()
    })
    server.on('close', () => {
      if (!state.isDeaf && !this.#isDown) client.destroy()
    })
  }

  #toServer(
    data: Buffer,
    { client, server, state }: { client: Socket; server: Socket; state: { isDeaf: boolean } },
  ): void {
    if (this.#isDown || state.isDeaf) return
    if (!data.includes(commit)) return void server.write(data)
    const mishap = this.#next
    this.#next = undefined
    if (mishap === undefined) {
      this.commits++
      return void server.write(data)
    }
    this.mishaps++
    state.isDeaf = true
    if (mishap === 'lost') {
      server.destroy()
      client.destroy()
    } else if (mishap === 'in-flight') {
      client.destroy()
      setTimeout(() => server.end(data), flightMs)
    } else {
      server.write(data)
      server.once('data', () => {
        if (mishap === 'applied') client.destroy()
        server.end()
      })
    }
  }
}
