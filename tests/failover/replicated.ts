import { spawnSync } from 'node:child_process'
import { chownSync, cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync, appendFileSync } from 'node:fs'
import path from 'node:path'
import pg from 'pg'
import { PostgresServer } from '../support/postgres-server.ts'

/** What belongs to a running server, or is made anew by the next one, and is no part of a backup. */
const notCopied = /^(?:postmaster\..*|pg_wal|pg_replslot|pg_stat_tmp|pg_dynshmem|pg_notify|pg_serial|pg_snapshots)$/
const emptied = ['pg_wal', 'pg_wal/archive_status', 'pg_wal/summaries', 'pg_replslot', 'pg_stat_tmp', 'pg_dynshmem']
const also = ['pg_notify', 'pg_serial', 'pg_snapshots']
const nobody = 65534
const asRoot = process.getuid?.() === 0
const settings = ['wal_level=replica', 'wal_keep_size=256MB', 'wal_receiver_status_interval=1s']
const patienceMs = 30_000

/** The first value of what a question finds. */
export async function ask(server: PostgresServer, sql: string): Promise<unknown> {
  const client = new pg.Client(server.url)
  client.on('error', () => undefined)
  await client.connect()
  try {
    const { rows } = await client.query<unknown[]>({ text: sql, rowMode: 'array' })
    return rows[0]?.[0]
  } finally {
    await client.end()
  }
}

/** Waits until this holds, while real servers do their work. */
export async function eventually(holds: () => Promise<boolean>, what: string): Promise<void> {
  const end = performance.now() + patienceMs
  while (!(await holds().catch(() => false))) {
    if (performance.now() > end) throw new Error(`It does not come to pass: ${what}.`)
    await new Promise((resolve) => void setTimeout(resolve, 20))
  }
}

/** A primary and a standby that follows it. */
export class Replicated {
  readonly primary: PostgresServer
  readonly standby: PostgresServer
  readonly #folder: string

  private constructor(folder: string, servers: readonly [PostgresServer, PostgresServer]) {
    this.#folder = folder
    this.primary = servers[0]
    this.standby = servers[1]
  }

  /** Starts both below a folder. `undefined` where there is no server for this platform. */
  static async start(parent: string): Promise<Replicated | undefined> {
    const folder = mkdtempSync(path.join(parent, '.rig-failover-'))
    if (asRoot) chownSync(folder, nobody, nobody)
    const servers: PostgresServer[] = []
    try {
      for (const name of ['first', 'second']) {
        const home = path.join(folder, name)
        mkdirSync(home, { mode: 0o700 })
        if (asRoot) chownSync(home, nobody, nobody)
        const server = await PostgresServer.start({ folder: home, settings })
        if (server === undefined) throw new Missing()
        servers.push(server)
      }
      const both = new Replicated(folder, servers as [PostgresServer, PostgresServer])
      await both.#follow()
      return both
    } catch (error) {
      for (const server of servers) await server.remove()
      rmSync(folder, { recursive: true, force: true })
      if (error instanceof Missing) return undefined
      throw error
    }
  }

  /** Whether commits on the primary wait until the standby has them on its disk. */
  async synchronize(waits: boolean): Promise<void> {
    await this.#waitFor(waits ? 'standby' : '')
    const state = waits ? 'sync' : 'async'
    const follows = `select count(*)::int from pg_stat_replication where state = 'streaming' and sync_state = '${state}'`
    await eventually(async () => (await ask(this.primary, follows)) === 1, `the standby is ${state}`)
  }

  /** Lets no commit wait any more, also where no standby follows. */
  async waitNoMore(): Promise<void> {
    await this.#waitFor('')
  }

  async #waitFor(standbys: string): Promise<void> {
    await ask(this.primary, `alter system set synchronous_standby_names = '${standbys}'`)
    await ask(this.primary, 'select pg_reload_conf()')
  }

  /** Lets the standby receive nothing any more: whatever the primary does from now on, only the primary knows. */
  async cut(): Promise<void> {
    await ask(this.standby, "alter system set primary_conninfo = ''")
    await ask(this.standby, 'select pg_reload_conf()')
    const receives = 'select count(*)::int from pg_stat_wal_receiver'
    await eventually(async () => (await ask(this.standby, receives)) === 0, 'the standby receives nothing')
    const sends = 'select count(*)::int from pg_stat_replication'
    await eventually(async () => (await ask(this.primary, sends)) === 0, 'the primary sends nothing')
  }

  /** The primary crashes, and the standby takes its place. */
  async failOver(): Promise<void> {
    await this.primary.stop('immediate')
    await ask(this.standby, 'select pg_promote()')
    const isStandby = 'select pg_is_in_recovery()'
    await eventually(async () => (await ask(this.standby, isStandby)) === false, 'the standby is promoted')
  }

  async remove(): Promise<void> {
    await this.primary.remove()
    await this.standby.remove()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  /** Makes the second server a copy of the first that follows it. */
  async #follow(): Promise<void> {
    await this.standby.stop('fast')
    const [from, to] = [path.join(this.primary.host, 'data'), path.join(this.standby.host, 'data')]
    const client = new pg.Client(this.primary.url)
    await client.connect()
    await client.query("select pg_backup_start('standby', true)")
    rmSync(to, { recursive: true })
    mkdirSync(to, { mode: 0o700 })
    for (const name of readdirSync(from)) {
      if (!notCopied.test(name)) cpSync(path.join(from, name), path.join(to, name), { recursive: true })
    }
    for (const name of [...emptied, ...also]) mkdirSync(path.join(to, name), { recursive: true, mode: 0o700 })
    const { rows } = await client.query<{ labelfile: string }>('select labelfile from pg_backup_stop()')
    await client.end()
    writeFileSync(path.join(to, 'backup_label'), String(rows[0]?.labelfile))
    writeFileSync(path.join(to, 'standby.signal'), '')
    const conninfo = `primary_conninfo = 'host=${this.primary.host} user=postgres application_name=standby'\n`
    appendFileSync(path.join(to, 'postgresql.auto.conf'), conninfo)
    if (asRoot) spawnSync('chown', ['-R', `${nobody}:${nobody}`, to])
    // It says that it takes connections of every kind only when it is promoted.
    const promoted = this.standby.start()
    promoted.catch(() => undefined)
    await eventually(async () => (await ask(this.standby, 'select 1')) === 1, 'the standby starts')
  }
}

class Missing extends Error {}
