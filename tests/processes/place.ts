import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import pg from 'pg'
import type { StorageAdapter } from '@chatelaine/core'
import { postgresStorage } from '@chatelaine/storage-postgres'
import { sqliteStorage } from '@chatelaine/storage-sqlite'
import { PostgresServer, serverPackage } from '../support/postgres-server.ts'

/** Where the processes of a rig keep their house: a file, or a schema of a server. */
export type Place =
  | { readonly kind: 'sqlite'; readonly file: string }
  | { readonly kind: 'postgres'; readonly url: string; readonly schema: string }

/** The parent folder for a file, or the server for a schema. */
export type Site =
  | { readonly kind: 'sqlite'; readonly folder?: string | undefined }
  | { readonly kind: 'postgres'; readonly url: string }

/** A storage of one's own on a place that others have too. */
export function storageAt(place: Place): StorageAdapter {
  if (place.kind === 'sqlite') return sqliteStorage(place.file)
  return postgresStorage({ connectionString: place.url, schema: place.schema })
}

/** An empty place, and a folder for what workers write down. Both are gone in the end. */
export async function withPlace<T>(site: Site, work: (place: Place, folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(
    path.join(site.kind === 'sqlite' ? (site.folder ?? tmpdir()) : tmpdir(), 'chatelaine-rig-'),
  )
  const schema = `rig_${path.basename(folder).replaceAll(/[^A-Za-z0-9]/g, '')}`
  try {
    if (site.kind === 'sqlite') return await work({ kind: 'sqlite', file: path.join(folder, 'kms.db') }, folder)
    const place = { kind: 'postgres', url: site.url, schema } as const
    try {
      return await work(place, folder)
    } finally {
      await askServer(place.url, `set client_min_messages = error; drop schema if exists "${schema}" cascade`)
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** How many bytes a place takes. */
export async function bytesOf(place: Place): Promise<number> {
  if (place.kind === 'sqlite') return statSync(place.file).size
  const size = `select sum(pg_total_relation_size(c.oid))::float8 as size from pg_class c
    where c.relkind = 'r' and c.relnamespace = '"${place.schema}"'::regnamespace`
  return Number((await askServer(place.url, size))[0]?.['size'])
}

/** Asks the server itself, over a connection for this alone. */
export async function askServer(url: string, sql: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const client = new pg.Client(url)
  client.on('error', () => undefined)
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows
  } finally {
    await client.end()
  }
}

/** A server for one run: that of `CHATELAINE_TEST_POSTGRES_URL`, or one of its own. */
export async function withServer<T>(work: (url: string) => Promise<T>): Promise<T> {
  const url = process.env['CHATELAINE_TEST_POSTGRES_URL']
  if (url !== undefined) return work(url)
  const server = await ownServer()
  try {
    return await work(server.url)
  } finally {
    await server.remove()
  }
}

/** A server that may be crashed. @throws where there is none for this platform. */
export async function ownServer(): Promise<PostgresServer> {
  const server = await PostgresServer.start()
  if (server === undefined) throw new Error(`${serverPackage} is not installed`)
  return server
}
