import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, chmodSync, chownSync, constants, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import pg from 'pg'

const nobody = 65534
const asRoot = process.getuid?.() === 0

/** Where pgbouncer is. Packages put it where only root looks. */
function findProgram(): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(path.delimiter), '/usr/sbin', '/usr/local/sbin']
  return folders
    .map((folder) => path.join(folder, 'pgbouncer'))
    .find((program) => {
      try {
        accessSync(program, constants.X_OK)
        return true
      } catch {
        return false
      }
    })
}

/** How a pooler is set up. */
export interface PoolerOptions {
  /** The server behind it. */
  readonly url: string
  /** Its connections to the server. */
  readonly size: number
  /** What it runs on each of them when it is new, as an administrator might have it. */
  readonly connectQuery?: string | undefined
}

/** A pgbouncer of the test's own in transaction mode, which gives every transaction another connection of the server. */
export class Pooler {
  /** Why a test that needs one is skipped. */
  static readonly missing = 'There is no pgbouncer on PATH.'
  readonly #program: string
  readonly #folder: string
  #process: ChildProcess | undefined

  private constructor(program: string, options: PoolerOptions) {
    this.#program = program
    this.#folder = mkdtempSync(path.join(tmpdir(), 'pooler-'))
    if (asRoot) chownSync(this.#folder, nobody, nobody)
    writeFileSync(this.#configuration, this.#text(options))
    chmodSync(this.#configuration, 0o644)
  }

  /** Starts one. `undefined` where there is none to start. */
  static async start(options: PoolerOptions): Promise<Pooler | undefined> {
    const program = findProgram()
    if (program === undefined) return undefined
    const pooler = new Pooler(program, options)
    await pooler.start()
    return pooler
  }

  /** How to reach the server through it. */
  get url(): string {
    return `postgresql://someone@/pooled?host=${encodeURIComponent(this.#folder)}&port=6432`
  }

  /** Starts it again, when it was stopped. */
  async start(): Promise<void> {
    const ids = asRoot ? { uid: nobody, gid: nobody } : {}
    const child = spawn(this.#program, [this.#configuration], { ...ids, stdio: ['ignore', 'ignore', 'pipe'] })
    this.#process = child
    process.once('exit', () => child.kill('SIGKILL'))
    await new Promise<void>((resolve, reject) => {
      let log = ''
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        log = (log + text).slice(-10_000)
        if (text.includes('process up')) resolve()
      })
      child.once('error', reject)
      child.once('exit', (code) => reject(new Error(`pgbouncer exited with ${code}: ${log}`)))
    })
  }

  /** Kills it: all connections through it are gone. */
  async kill(): Promise<void> {
    const child = this.#process
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    await exited
  }

  /** Ends it. */
  async remove(): Promise<void> {
    await this.kill()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  get #configuration(): string {
    return path.join(this.#folder, 'pgbouncer.ini')
  }

  #text({ url, size, connectQuery }: PoolerOptions): string {
    const { host, port, user, password, database } = new pg.Client(url)
    const secret = password === undefined || password === null ? '' : ` password=${password}`
    const query = connectQuery === undefined ? '' : ` connect_query='${connectQuery.replaceAll("'", "''")}'`
    return [
      '[databases]',
      `pooled = host=${host} port=${port} dbname=${database ?? 'postgres'} user=${user ?? 'postgres'}${secret}${query}`,
      '[pgbouncer]',
      'listen_addr =',
      `unix_socket_dir = ${this.#folder}`,
      'listen_port = 6432',
      'auth_type = any',
      'pool_mode = transaction',
      `default_pool_size = ${size}`,
      'server_round_robin = 1',
      'max_client_conn = 500',
      '',
    ].join('\n')
  }
}
