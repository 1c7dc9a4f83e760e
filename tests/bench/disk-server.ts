import { chmodSync, chownSync, mkdtempSync, statfsSync } from 'node:fs'
import path from 'node:path'
import pg from 'pg'
import { PostgresServer } from '../support/postgres-server.ts'

const nobody = 65534
/** File systems that are in memory: tmpfs and ramfs. */
const inMemory = new Set([0x0102_1994, 0x8584_58f6])

/** A server that keeps what it says, and how it is set up in its own words. */
export interface DiskServer {
  readonly server: PostgresServer
  readonly circumstances: readonly string[]
}

/** Starts a server whose database is in a folder of this one, which has to be on a disk. */
export async function diskServer(parent: string): Promise<DiskServer> {
  const folder = mkdtempSync(path.join(parent, 'pg-'))
  if (inMemory.has(statfsSync(folder).type)) throw new Error(`${folder} is not on a disk: name another by --folder.`)
  if (process.getuid?.() === 0) {
    for (const one of [parent, folder]) chmodSync(one, 0o711)
    chmodSync(folder, 0o700)
    chownSync(folder, nobody, nobody)
  }
  const server = await PostgresServer.start({ folder, settings: ['shared_buffers=128MB'] })
  if (server === undefined) throw new Error('There is no server for this platform.')
  const client = new pg.Client(server.url)
  await client.connect()
  const settings = ['server_version', 'fsync', 'synchronous_commit', 'wal_sync_method', 'full_page_writes']
  const said: string[] = []
  for (const name of settings) {
    const { rows } = await client.query<{ value: string }>('select current_setting($1) as value', [name])
    said.push(`${name}=${rows[0]?.value ?? '?'}`)
  }
  await client.end()
  return { server, circumstances: [...said, `database in ${folder}`] }
}
