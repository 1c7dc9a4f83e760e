import { connect, type Socket } from 'node:net'
import type { HttpServer } from '@chatelaine/http/node'
import { onTestFinished } from 'vitest'

/** A connection to a server, which says on it what it will, whole or not. Ends with the test. */
export async function open({ url }: Pick<HttpServer, 'url'>): Promise<Socket> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  socket.on('error', () => undefined)
  onTestFinished(() => void socket.destroy())
  await new Promise((done) => socket.once('connect', done))
  return socket
}

/** All that comes on a connection until it ends. */
export async function answerOf(socket: Socket): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of socket) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}
