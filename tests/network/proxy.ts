import { once } from 'node:events'
import { createConnection, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import path from 'node:path'
import { setTimeout as after } from 'node:timers/promises'
import { Framing, type Direction } from './framing.ts'
import type { Weather } from './weather.ts'

/** How long a message is on its way whose sender has gone. */
const flightMs = 150

/** A connection through the proxy. */
interface Link {
  readonly client: Socket
  readonly server: Socket
  /** Whether nothing arrives any more, and nobody is told. */
  isDeaf: boolean
}

/** Stands between clients and a server, on a TCP port of its own, and understands what they say. */
export class NetworkProxy {
  readonly #upstream: URL
  readonly #weather: Weather
  readonly #server: Server
  readonly #links = new Set<Link>()
  #cleared = Promise.withResolvers<void>()

  private constructor(url: string, weather: Weather) {
    this.#upstream = new URL(url.replace('@/', '@localhost/'))
    this.#weather = weather
    this.#server = createServer({ noDelay: true }, (client) => this.#accept(client))
  }

  /** Starts one before the server. */
  static async start(url: string, weather: Weather): Promise<NetworkProxy> {
    const proxy = new NetworkProxy(url, weather)
    proxy.#server.listen(0, '127.0.0.1')
    await once(proxy.#server, 'listening')
    return proxy
  }

  /** How to reach the server through it. */
  get url(): string {
    const { username, password, pathname } = this.#upstream
    const { port } = this.#server.address() as AddressInfo
    return `postgresql://${username}${password === '' ? '' : `:${password}`}@127.0.0.1:${port}${pathname}`
  }

  /** Connections that are open. */
  get connections(): number {
    return this.#links.size
  }

  /** The network is as it should be: what was held up arrives, and what was swallowed shows as a lost connection. */
  clear(): void {
    this.#weather.climate = 'clear'
    for (const link of this.#links) if (link.isDeaf) end(link)
    this.#cleared.resolve()
    this.#cleared = Promise.withResolvers()
  }

  /** Ends everything. */
  async close(): Promise<void> {
    this.clear()
    for (const link of this.#links) end(link)
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #accept(client: Socket): void {
    client.on('error', () => undefined)
    if (this.#weather.climate === 'closed') return void client.destroy()
    const { hostname, port, searchParams } = this.#upstream
    const folder = searchParams.get('host')
    const server =
      folder === null
        ? createConnection({ port: Number(port === '' ? 5432 : port), host: hostname, noDelay: true })
        : createConnection(path.join(folder, `.s.PGSQL.${port === '' ? 5432 : port}`))
    server.on('error', () => undefined)
    const link: Link = { client, server, isDeaf: false }
    this.#links.add(link)
    for (const socket of [client, server]) {
      socket.once('close', () => {
        if (client.destroyed && server.destroyed) this.#links.delete(link)
      })
    }
    void this.#carry(link, 'to server')
    void this.#carry(link, 'to client')
  }

  /** Carries messages one way until the connection ends, which the other side learns unless the link is deaf. */
  async #carry(link: Link, direction: Direction): Promise<void> {
    const from = direction === 'to server' ? link.client : link.server
    const framing = new Framing(direction)
    try {
      for await (const chunk of from) {
        for (const message of framing.push(chunk as Buffer)) {
          if (this.#weather.climate === 'dark') await this.#cleared.promise
          if (!link.isDeaf) await this.#forward(link, message)
        }
      }
    } catch {
      // A socket that was destroyed: what the other side learns is said below.
    }
    if (this.#weather.climate === 'dark') await this.#cleared.promise
    if (!link.isDeaf) end(link)
  }

  async #forward(link: Link, message: ReturnType<Framing['push']>[number]): Promise<void> {
    const [from, to] = message.direction === 'to server' ? [link.client, link.server] : [link.server, link.client]
    const mishap = this.#weather.of(message)
    if (mishap === 'swallow') return void (link.isDeaf = true)
    if (mishap === 'cut before') return end(link)
    if (mishap === 'late') {
      link.isDeaf = true
      from.destroy()
      await after(flightMs)
    }
    if (mishap === 'delay') await after(this.#weather.delayMs())
    if (!to.destroyed) await new Promise((resolve) => void to.write(message.bytes, resolve))
    if (mishap === 'cut after' || mishap === 'late') {
      // In order: whoever got the message learns of the end after it.
      link.isDeaf = true
      to.end(() => to.destroy())
      from.destroy()
    }
    if (mishap === 'swallow answer') link.isDeaf = true
  }
}

function end({ client, server }: Link): void {
  client.destroy()
  server.destroy()
}
