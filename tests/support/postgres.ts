import type { TestProject } from 'vitest/node'
import { PostgresServer, serverPackage } from './postgres-server.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** The URL of a server for all tests, or why there is none. */
    readonly postgres: { readonly url: string } | { readonly missing: string }
  }
}

/**
 * One PostgreSQL server for a whole run, which each test has a schema of its own on. `CHATELAINE_TEST_POSTGRES_URL`
 * names another one; its role must be allowed to create schemas.
 */
async function setup(project: TestProject): Promise<() => Promise<void>> {
  const url = process.env['CHATELAINE_TEST_POSTGRES_URL']
  if (url !== undefined) {
    project.provide('postgres', { url })
    return async () => {}
  }
  const server = await PostgresServer.start()
  const missing = `${serverPackage} is not installed, and CHATELAINE_TEST_POSTGRES_URL names no other server.`
  project.provide('postgres', server === undefined ? { missing } : { url: server.url })
  return async () => server?.remove()
}

export { setup }
