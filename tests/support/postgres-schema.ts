import pg from 'pg'
import { inject, onTestFinished } from 'vitest'

/** The URL of the server for all tests. @throws where there is none: its tests are skipped then. */
export function serverUrl(): string {
  const server = inject('postgres')
  if ('missing' in server) throw new Error(server.missing)
  return server.url
}

let schemas = 0

/** The name of a schema that nobody uses. It is dropped when the test ends. */
export function freshSchema(url: string = serverUrl()): string {
  const name = `test_${process.pid}_${process.env['VITEST_POOL_ID'] ?? 0}_${Date.now().toString(36)}_${schemas++}`
  onTestFinished(async () => {
    const client = new pg.Client(url)
    client.on('error', () => undefined)
    await client.connect()
    await client.query(`set client_min_messages = error; drop schema if exists ${name} cascade`)
    await client.end()
  })
  return name
}
