import { spawn, type ChildProcess } from 'node:child_process'
import path from 'node:path'
import { createInterface } from 'node:readline'
import type { Principal } from '@chatelaine/core'

/** What a server process is told. */
export interface ServerPlan {
  readonly url: string
  readonly schema: string
  readonly rootKey: string
  /** Who is known by which header. */
  readonly people: Readonly<Record<string, Principal>>
}

/** A server in a process of its own. */
export interface ServerProcess {
  readonly url: string
  readonly child: ChildProcess
  /** Resolves with its exit code. */
  readonly ended: Promise<number | null>
}

/** Starts one. Resolves when it listens. */
export async function startServer(plan: ServerPlan): Promise<ServerProcess> {
  const file = path.join(import.meta.dirname, 'server-process.ts')
  const child = spawn(process.execPath, [file, JSON.stringify(plan)], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
  const line = new Promise<string>((resolve) => createInterface(child.stdout).once('line', resolve))
  const url = await Promise.race([
    line,
    ended.then((code) => Promise.reject(new Error(`it ended with ${String(code)}`))),
  ])
  return { url, child, ended }
}
